"""The configuration that a run folder holds: what its stages and cycling runs were made with.

The record of a stage holds it. A run that is stopped before any stage is done has none: until
then the folder keeps what the stage that has begun last was given.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align_da.errors import ConfigError, StorageError
from align_da.storage.digest import checked_by_own_digest, with_own_digest
from align_da.storage.durable import remove_file, storage_errors, write_durably
from align_da.storage.manifest import read_manifest
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_record import finished_stages, read_stage_record
from align_da.storage.store_places import manifest_path

_OWN_DIGEST = "digest"
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What JSON and its parts raise for damaged or foreign content."""


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

    Before any that says so is finished it is what the one that has begun last was given.

    Raises:
        StorageError: a record is damaged.
    """
    return _of_finished(folder) or _of_begun(folder)


def keep_beginning(folder: RunFolder, stage: str, config: Mapping[str, Any]) -> None:
    """Keep what a stage that begins was given, where no finished one says what it was given.

    Raises:
        StorageError: it cannot be written.
    """
    try:
        known = _of_finished(folder)
    except StorageError:  # told by whatever reads the record
        return
    if known is None and config:
        content = with_own_digest({"stage": stage, "config": dict(config)}, _OWN_DIGEST)
        write_durably(_beginning(folder), json.dumps(content, indent=1).encode())


def forget_beginning(folder: RunFolder, config: Mapping[str, Any]) -> None:
    """Remove what was kept, when the record of a stage holds what that was given.

    Raises:
        StorageError: it cannot be removed.
    """
    if config:
        remove_file(_beginning(folder))


def _of_finished(folder: RunFolder) -> StoredConfiguration | None:
    """What the stage that was finished last was given; None where none says so."""
    records = [read_stage_record(folder, name) for name in finished_stages(folder)]
    told = [record for record in records if record.config]
    if not told:
        return None
    last = max(told, key=lambda record: record.finished)
    return StoredConfiguration(last.config, f"the stage {last.stage!r} of {folder.root}")


def _of_begun(folder: RunFolder) -> StoredConfiguration | None:
    """What the stage that has begun last was given; None where nothing is kept."""
    path = _beginning(folder)
    if not path.exists():
        return None
    with storage_errors(path):
        content = path.read_bytes()
    try:
        told = checked_by_own_digest(json.loads(content), _OWN_DIGEST)
        table, stage = dict(told["config"]), str(told["stage"])
    except _UNREADABLE as error:
        message = (
            f"{path} is no configuration of a stage that has begun ({error!r}): remove it, and "
            "say by --config which is meant"
        )
        raise StorageError(message) from error
    source = f"the stage {stage!r} of {folder.root}, which has begun"
    return StoredConfiguration(table, source)


def _beginning(folder: RunFolder) -> Path:
    """Where it is kept: no record of a stage has this name."""
    return folder.stages / "begun"


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
