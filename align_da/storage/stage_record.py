"""The records that finished stages leave in a run folder.

A JSON file a stage, with a digest of itself. Records of earlier versions have none, the first of
them name no products, and none of them holds a configuration.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Any

from align_da.errors import StorageError
from align_da.storage.digest import checked_by_own_digest, with_own_digest
from align_da.storage.durable import remove_file, storage_errors, write_durably
from align_da.storage.fingerprint import Fingerprint
from align_da.storage.run_folder import RunFolder

# What JSON and the parts of a record raise for damaged or foreign content.
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True)
class StageRecord:
    """What a finished stage has left.

    Attributes:
        stage: name of the stage.
        digest: of its definition.
        inputs: names of the stages it was built on.
        wall_seconds: time that the work took.
        products: fingerprint of every product by its place in the folder of the run.
        config: the configuration in full that the stage was given; empty where it was given none.
        finished: time of its end, ISO 8601, UTC.
        peak_bytes: resident memory of the largest process that has worked, at its peak; 0 where
            that is not known, as of earlier versions.
    """

    stage: str
    digest: str
    inputs: Sequence[str]
    wall_seconds: float
    products: Mapping[str, Fingerprint]
    config: Mapping[str, Any] = field(default_factory=dict)
    finished: str = ""
    peak_bytes: int = 0


_OWN_DIGEST = "record_digest"
_KEYS = {field.name for field in fields(StageRecord)}


def record_path(folder: RunFolder, name: str) -> Path:
    """Where the record of a stage lies."""
    return folder.stages / f"{name}.json"


def is_finished(folder: RunFolder, name: str) -> bool:
    """Whether there is the record of a finished stage."""
    return record_path(folder, name).exists()


def finished_stages(folder: RunFolder) -> list[str]:
    """Names of all stages that have left a record."""
    return sorted(record.stem for record in folder.stages.glob("*.json"))


def read_stage_record(folder: RunFolder, name: str) -> StageRecord:
    """The record of a finished stage.

    Raises:
        StorageError: the stage has not been finished, or its record is damaged.
    """
    path = record_path(folder, name)
    if not path.exists():
        message = f"expected the finished stage {name!r} in {folder.stages}, found none: "
        raise StorageError(message + "run it first")
    with storage_errors(path):
        content = path.read_bytes()
    try:
        return _parsed(json.loads(content))
    except _UNREADABLE as error:
        message = f"{path} is no record of a stage ({error!r}): remove it to run the stage again"
        raise StorageError(message) from error


def write_stage_record(folder: RunFolder, record: StageRecord) -> None:
    """Leave the record of a finished stage, durably.

    Raises:
        StorageError: it cannot be written.
    """
    content = json.dumps(with_own_digest(asdict(record), _OWN_DIGEST), indent=1)
    write_durably(record_path(folder, record.stage), content.encode())


def remove_stage_record(folder: RunFolder, name: str) -> None:
    """Say no longer that a stage is finished.

    Raises:
        StorageError: the record cannot be removed.
    """
    remove_file(record_path(folder, name))


def _parsed(content: Any) -> StageRecord:  # noqa: ANN401 (whatever JSON can hold)
    """A record; those of earlier versions name no products and have no digest of themselves.

    Raises:
        ValueError: it is not what was written.
    """
    told = checked_by_own_digest(content, _OWN_DIGEST)
    if unknown := set(told) - _KEYS:
        message = f"expected {sorted(_KEYS)}, got {sorted(unknown)} too"
        raise ValueError(message)
    made = dict(content.get("products", {}))
    return StageRecord(
        str(content["stage"]),
        str(content["digest"]),
        [str(name) for name in content["inputs"]],
        float(content["wall_seconds"]),
        {_checked_place(place): Fingerprint(**fields) for place, fields in made.items()},
        dict(content.get("config", {})),
        str(content.get("finished", "")),
        int(content.get("peak_bytes", 0)),
    )


def _checked_place(place: str) -> str:
    """The place of a product, if it lies in the folder of the run.

    Raises:
        ValueError: it does not; nothing outside is read because a record says so.
    """
    path = PurePosixPath(place)
    if path.is_absolute() or ".." in path.parts:
        message = f"{place!r} is not in the folder of the run"
        raise ValueError(message)
    return place
