"""The configuration that a run folder holds: what its stages and cycling runs were made with."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from align_da.errors import ConfigError
from align_da.storage.manifest import read_manifest
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_record import finished_stages, read_stage_record
from align_da.storage.store_places import manifest_path


@dataclass(frozen=True)
class StoredConfiguration:
    """A configuration as it was stored.

    Attributes:
        table: sections and values.
        source: what was made with it, for messages.
    """

    table: Mapping[str, Any]
    source: str


def configuration_of_stages(folder: RunFolder) -> StoredConfiguration | None:
    """What the stage that was finished last was given; None where no stage says so.

    Raises:
        StorageError: a record is damaged.
    """
    records = [read_stage_record(folder, name) for name in finished_stages(folder)]
    told = [record for record in records if record.config]
    if not told:
        return None
    last = max(told, key=lambda record: record.finished)
    return StoredConfiguration(last.config, f"the stage {last.stage!r} of {folder.root}")


def configuration_of_cycles(folder: RunFolder, name: str) -> StoredConfiguration | None:
    """What defined a cycling run, without what digests leave out; None where there is none.

    Raises:
        StorageError: its manifest is damaged.
    """
    path = manifest_path(folder.cycles(name))
    if not path.exists():
        return None
    table = {key: said for key, said in read_manifest(path).config.items() if key != "store"}
    return StoredConfiguration(table, f"the cycles {name!r} of {folder.root}")


@contextmanager
def of_this_version(source: str) -> Iterator[None]:
    """Say whose a configuration is that this version does not understand.

    Raises:
        ConfigError: that it was not understood, and what to do.
    """
    try:
        yield
    except ConfigError as error:
        message = f"the configuration of {source} is of another version ({error}): "
        raise ConfigError(
            message + "say what is meant by --config, or a file in Python"
        ) from error
