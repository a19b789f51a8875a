"""Stages of a run: a stage that is done, and whose product is whole, is not done again.

A finished stage leaves a record with the digest of everything that defined it (the sections of the
configuration it read and the stages it built on) and the fingerprint of everything it has made.
The record is written last and removed before the work begins, so that a stage that was cut off is
done again (and resumes by its own means). At the next call with the same definition

- nothing is done if every product is there and as it was,
- the stage is done again if a product, or a chunk of a store, is gone: it makes what is missing,
- it is refused if a product has changed: what has changed it may be worth more than time.

Records of earlier versions name no products; such a stage is done as long as its products exist.
"""

import time
from collections.abc import Callable, Collection, Iterable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from align_da.errors import StorageError
from align_da.storage.fingerprint import Fingerprint, fingerprint_of
from align_da.storage.lock import owned
from align_da.storage.process_usage import usage_so_far
from align_da.storage.run_folder import RunFolder
from align_da.storage.seal import missing_chunks
from align_da.storage.stage_definition import Stage, definition_digest
from align_da.storage.stage_record import (
    StageRecord,
    finished_stages,
    is_finished,
    read_stage_record,
    remove_stage_record,
    write_stage_record,
)
from align_da.storage.stored_configuration import forget_beginning, keep_beginning


def run_stage(
    folder: RunFolder,
    stage: Stage,
    action: Callable[[], Any],
    clock: Callable[[], float] = time.monotonic,
    *,
    writes: bool = True,
    first: Callable[[], Any] = lambda: None,
) -> bool:
    """Run `action` unless this very stage is done and its product whole.

    Args:
        folder: of the run.
        stage: what is made of what.
        action: does the work; may resume what an earlier call has left.
        clock: seconds, for the wall time in the record.
        first: work that writes nothing; where it fails what an earlier call has made stays done.
        writes: whether to own the stage and leave its record, as one of all processes that do it
            together.

    Returns:
        Whether the work was done now.

    Raises:
        StorageError: an input has not been made, or a product or an input is not as it was made,
            or a record is damaged, or another process does this stage.
    """
    digest = definition_digest(folder, stage)
    if _is_done(folder, stage, digest):
        return False
    with owned(folder.stages / f"{stage.name}.lock") if writes else nullcontext():
        if _is_done(folder, stage, digest):  # by another process, a moment ago
            return False
        check_with_inputs(folder, stage.inputs)
        start = clock()
        first()
        if writes:
            remove_stage_record(folder, stage.name)
            keep_beginning(folder, stage.name, stage.config)
        action()
        if writes:
            _leave_record(folder, stage, digest, clock() - start)
            forget_beginning(folder, stage.config)
    return True


def check_products(folder: RunFolder, name: str) -> None:
    """Refuse to build on a finished stage whose products are not as they were made.

    Raises:
        StorageError: names a product that is missing or has changed, and what to do.
    """
    for place in read_stage_record(folder, name).products:
        if not (folder.root / place).exists():
            message = f"{folder.root / place} is missing: run the stage {name!r} again, "
            raise StorageError(message + "which makes it")
    _check_what_is_there(folder, name)


def check_with_inputs(folder: RunFolder, names: Collection[str]) -> None:
    """`check_products` of finished stages, and of every one below that they were built on.

    Shipped weights come without the stages below them: what has no record is not looked at. What
    lies below and is no longer there is not read either: it may have been removed for its space.

    Raises:
        StorageError: names a product that is missing or has changed, and what to do.
    """
    for name in _with_stages_below(folder, names):
        check = check_products if name in names else _check_what_is_there
        check(folder, name)


def check_as_made(folder: RunFolder, path: Path) -> None:
    """Refuse a product that is not what the stage that made it has left.

    What no record names is passed over: it was copied from elsewhere, or is being made.

    Raises:
        StorageError: it has changed, or a record is damaged; says what to do.
    """
    place = path.relative_to(folder.root).as_posix()
    for name in finished_stages(folder):
        made = read_stage_record(folder, name).products.get(place)
        if made is not None:
            _check_unchanged(path, made, name)


def _with_stages_below(folder: RunFolder, names: Iterable[str]) -> list[str]:
    """The stages, and those that they were built on, each once."""
    found: dict[str, None] = {}
    left = list(names)
    while left:
        name = left.pop()
        if name not in found:
            found[name] = None
            inputs = read_stage_record(folder, name).inputs
            left += [below for below in inputs if is_finished(folder, below)]
    return list(found)


def _check_what_is_there(folder: RunFolder, name: str) -> None:
    """Refuse products that have changed; those that are gone are passed over."""
    for place, made in read_stage_record(folder, name).products.items():
        if (folder.root / place).exists():
            _check_unchanged(folder.root / place, made, name)


def _is_done(folder: RunFolder, stage: Stage, digest: str) -> bool:
    """Whether a stage was finished with this definition and its products are whole.

    Raises:
        StorageError: a product has changed, or the record is damaged.
    """
    if not is_finished(folder, stage.name):
        return False
    record = read_stage_record(folder, stage.name)
    if record.digest != digest or not all(path.exists() for path in stage.products):
        return False
    for place, made in record.products.items():
        if missing_chunks(folder.root / place):
            return False
        _check_content(folder.root / place, made, stage.name)
    return True


def _check_unchanged(path: Path, made: Fingerprint, name: str) -> None:
    """Raise a StorageError for a product that is not all that the stage `name` has made."""
    if lost := list(missing_chunks(path)):
        message = f"{lost[0]} is missing, one of {len(lost)}: run the stage {name!r} again, "
        raise StorageError(message + "which makes it, or restore it from a copy")
    _check_content(path, made, name)


def _check_content(path: Path, made: Fingerprint, name: str) -> None:
    """Raise a StorageError for a product whose content is not what the stage `name` has made."""
    try:
        found = fingerprint_of(path)
    except StorageError as error:
        message = f"{error}; or remove {path} and run the stage {name!r} again, which makes it"
        raise StorageError(message) from error
    if found != made:
        message = (
            f"{path} has changed since the stage {name!r} made it: expected {made}, found {found}."
            " Restore it from a copy, or remove it and run the stage again, which makes it"
        )
        raise StorageError(message)


def _leave_record(folder: RunFolder, stage: Stage, digest: str, seconds: float) -> None:
    """Write the record of a stage that has just been done.

    Raises:
        StorageError: a product, or a chunk of one, is not there, or the record cannot be written.
    """
    for path in stage.products:
        if lost := list(missing_chunks(path)):
            message = (
                f"{lost[0]} is missing, one of {len(lost)}, and was not made again: restore it "
                f"from a copy, or remove {path} and what the stage resumes from, and run it again"
            )
            raise StorageError(message)
    products = {
        path.relative_to(folder.root).as_posix(): fingerprint_of(path) for path in stage.products
    }
    record = StageRecord(
        stage.name,
        digest,
        list(stage.inputs),
        round(seconds, 1),
        products,
        stage.config,
        datetime.now(UTC).isoformat(timespec="microseconds"),
        usage_so_far().peak_bytes,
    )
    write_stage_record(folder, record)
