"""Stages of a run: a stage whose configuration and inputs are unchanged is not run again.

A finished stage leaves a record with the digest of everything that defined it: the sections of the
configuration it read and the records of the stages it built on. The record is written last, so
that a stage that was cut off is run again (and resumes by its own means).
"""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from align_da.config import digest_of
from align_da.errors import StorageError
from align_da.storage.durable import storage_errors, write_durably


def run_stage(
    folder: Path,
    name: str,
    defined_by: Sequence[object],
    inputs: Sequence[str],
    action: Callable[[], Any],
    clock: Callable[[], float] = time.monotonic,
    *,
    writes: bool = True,
) -> bool:
    """Run `action` unless this very stage has been finished before.

    Args:
        folder: where the records of stages lie.
        name: name of the stage.
        defined_by: configuration sections, numbers and strings that define the result.
        inputs: names of the stages whose results are read.
        action: does the work; may resume what an earlier call has left.
        clock: seconds, for the wall time in the record.
        writes: whether to leave the record, as one of all processes that do a stage together.

    Returns:
        Whether the work was done now.

    Raises:
        StorageError: an input stage has not been finished, or a record is damaged.
    """
    digest = digest_of(name, *defined_by, [digest_of_stage(folder, stage) for stage in inputs])
    record = folder / f"{name}.json"
    if record.exists() and _digest_in(record) == digest:
        return False
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    start = clock()
    action()
    if not writes:
        return True
    content: dict[str, Any] = {"stage": name, "digest": digest, "inputs": list(inputs)}
    content["wall_seconds"] = round(clock() - start, 1)
    write_durably(record, json.dumps(content, indent=1).encode())
    return True


def digest_of_stage(folder: Path, name: str) -> str:
    """The digest in the record of a finished stage.

    Raises:
        StorageError: the stage has not been finished, or its record is damaged.
    """
    record = folder / f"{name}.json"
    if not record.exists():
        message = f"expected the finished stage {name!r} in {folder}, found none: run it first"
        raise StorageError(message)
    return _digest_in(record)


def _digest_in(record: Path) -> str:
    """The digest in a record.

    Raises:
        StorageError: it cannot be read.
    """
    with storage_errors(record):
        content = record.read_bytes()
    try:
        return str(json.loads(content)["digest"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        message = f"{record} is no record of a stage ({error!r}): remove it to run the stage again"
        raise StorageError(message) from error
