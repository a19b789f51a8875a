"""Read observation files of any format into the reports of a run."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from align_da.errors import InputError
from align_da.observations.reports import checked_reports, joined_reports
from data_pipelines.observations.account import Account, FileReports, account_of
from data_pipelines.observations.bufr import read_bufr
from data_pipelines.observations.consistency import consistent_reports
from data_pipelines.observations.error_table import with_errors
from data_pipelines.observations.ioda import read_ioda
from data_pipelines.observations.prepbufr import holds_dictionary, read_prepbufr
from data_pipelines.observations.table_file import read_table

Format = Literal["auto", "bufr", "prepbufr", "ioda", "table"]
_HDF, _PARQUET = b"\x89HDF\r\n\x1a\n", b"PAR1"
_HEAD = 1000  # bytes, within which a BUFR message begins, after the heading of a bulletin

_READERS: dict[str, Callable[[Path], FileReports]] = {
    "bufr": read_bufr,
    "prepbufr": read_prepbufr,
    "ioda": read_ioda,
    "table": read_table,
}


def read_observations(files: Sequence[Path], form: Format = "auto") -> pd.DataFrame:
    """The reports of all files; see `read_files`."""
    return read_files(files, form)[0]


def read_files(
    files: Sequence[Path], form: Format = "auto"
) -> tuple[pd.DataFrame, tuple[Account, ...]]:
    """The reports of all files, in an order that does not depend on that of the files.

    Args:
        files: observation files.
        form: their format; "auto" looks into each.

    Returns:
        Checked reports, every error known that the error table knows, and what became of the
        reports of each file.

    Raises:
        InputError: a file is not what it should be; names file and problem.
    """
    names = Counter(path.name for path in files)
    called = [path.name if names[path.name] == 1 else str(path) for path in files]
    read = [_read(path, form, name) for path, name in zip(files, called, strict=True)]
    tables, accounts = zip(*read, strict=True)
    return with_errors(joined_reports(tables)), accounts


def _read(path: Path, form: Format, name: str) -> tuple[pd.DataFrame, Account]:
    """The checked reports of one file, and its account."""
    if not path.is_file():
        message = f"{path}: expected an observation file, found no such file"
        raise InputError(message)
    reader = _READERS[format_of(path) if form == "auto" else form]
    found = reader(path)
    try:
        checked = consistent_reports(checked_reports(found.table.assign(file=name)))
        return checked, account_of(name, found, checked)
    except InputError as error:
        message = f"{path}: {error}"
        raise InputError(message) from error


def format_of(path: Path) -> str:
    """The format of a file by its first bytes; a table by its ending.

    Raises:
        InputError: it is none that is read.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(_HDF):
        return "ioda"
    if head.startswith(_PARQUET) or path.suffix in {".csv", ".parquet"}:
        return "table"
    if b"BUFR" in head:
        return "prepbufr" if holds_dictionary(path) else "bufr"
    message = (
        f"{path}: expected BUFR, PREPBUFR, IODA (netCDF-4), CSV or parquet, got {head[:16]!r}"
    )
    raise InputError(message)
