"""What a report was made of, and keeping one that would be replaced by another.

Beside `report.html` lies `report.json`, which names what it was made of. A report of other runs or
of other settings is not what a new one brings up to date: it is kept in `earlier/NUMBER`.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align_da.storage.durable import remove_file, storage_errors, write_durably, written_whole
from align_da.storage.manifest import differences_of

_RECORD = "report.json"
_EARLIER = "earlier"


@dataclass(frozen=True)
class ReportRecord:
    """What a report was made of.

    Attributes:
        runs: by the name of every cycling run, in their order, what it was made with.
        cycles: how many of each were scored.
        settings: what else scores follow from.
    """

    runs: Mapping[str, str]
    cycles: Mapping[str, int]
    settings: Mapping[str, Any]


def read_report_record(folder: Path) -> ReportRecord | None:
    """What the report in a folder was made of; None where it does not say so.

    Raises:
        StorageError: it cannot be read.
    """
    path = folder / _RECORD
    if not path.exists():
        return None
    with storage_errors(path):
        content = path.read_bytes()
    try:
        return ReportRecord(**json.loads(content))
    except (ValueError, TypeError, RecursionError):  # damaged: it says nothing
        return None


def write_report_record(folder: Path, record: ReportRecord) -> None:
    """Say what the report in a folder was made of, durably.

    Raises:
        StorageError: it cannot be written.
    """
    write_durably(folder / _RECORD, json.dumps(vars(record), indent=1).encode())


def make_room_for_report(
    folder: Path, record: ReportRecord, files: Sequence[str]
) -> tuple[str, list[str]]:
    """Keep the report of a folder unless the new one brings it up to date.

    Args:
        folder: of reports.
        record: what the new one is made of.
        files: the report and what belongs to it; the first is the report itself.

    Returns:
        What becomes of the one that is there, in words, and in which it differs; nothing where
        there is none.

    Raises:
        StorageError: the disk reports an error.
    """
    if not (folder / files[0]).exists():
        return "", []
    before = read_report_record(folder)
    differences = _differences(before, record)
    if before is not None and not differences:
        told = "brings up to date the report of the same runs"
    else:
        told = f"the report that was there is kept in {_keep(folder, files)}"
    remove_file(folder / _RECORD)  # it would be wrong from now on
    return told, differences


def _differences(before: ReportRecord | None, now: ReportRecord) -> list[str]:
    """A line for everything in which two reports differ, more cycles set aside."""
    if before is None:
        return ["it does not say what it was made of"]
    lines = differences_of(dict(before.settings), dict(now.settings))
    if list(before.runs) != list(now.runs):
        return [
            f"it was of {', '.join(before.runs)}, this one is of {', '.join(now.runs)}",
            *lines,
        ]
    made = [name for name in now.runs if before.runs[name] != now.runs[name]]
    return [*(f"the cycles {name} were made otherwise" for name in made), *lines]


def _keep(folder: Path, files: Sequence[str]) -> Path:
    """Copy a report to where it is not replaced; the place."""
    earlier = folder / _EARLIER
    numbers = (int(path.name) for path in earlier.glob("*") if path.name.isdecimal())
    target = earlier / str(max(numbers, default=0) + 1)
    with written_whole(target) as unfinished:
        unfinished.mkdir()
        for name in (*files, _RECORD):
            if (folder / name).exists():
                shutil.copyfile(folder / name, unfinished / name)
    return target
