"""Reading observation tables from CSV and parquet files.

The columns are the business of `align_da.observations.table`; here a file becomes a table or an
error that names the file.
"""

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pandas as pd

from align_da.errors import InputError
from align_da.storage.bounded_files import check_growth
from align_da.storage.reads import note_read

# Names are text as it stands: a station may be called 01001, NA or 5E3.
_NAMES = ("station_id", "type", "variable", "vertical", "flag", "units")
_STATION = "station_id"
_NO_TEXT = "\N{REPLACEMENT CHARACTER}"  # what decoding puts in the place of bytes that are none
_SHOWN = 10  # names in a message
_BYTES_OF_VALUE = 8  # of a number or a reference in a table
_NO_NUMBER = [
    "",
    "NA",
    "N/A",
    "#N/A",
    "<NA>",
    "nan",
    "NaN",
    "-nan",
    "-NaN",
    "null",
    "NULL",
    "None",
]


def read_observation_table(
    path: Path, if_missing: Literal["error", "empty"] = "error"
) -> pd.DataFrame:
    """The table in a file, one row an observation; its attribute "source" names the file.

    Args:
        path: ends in ".csv" (UTF-8, one header line, a line break after every line) or ".parquet".
        if_missing: what to do without the file: refuse, or warn and give a table without columns.

    Raises:
        InputError: no such file, another ending, or content that is not a table.
    """
    if path.suffix not in _READERS:
        message = f"{path}: expected a file ending in {' or '.join(_READERS)}, convert it"
        raise InputError(message)
    if not path.is_file():
        message = f"{path}: expected an observation table, found no such file"
        if if_missing == "error":
            raise InputError(message)
        warnings.warn(f"{message}: there are no observations", stacklevel=2)
        return pd.DataFrame()
    note_read(path)
    try:
        table = _READERS[path.suffix](path)
    except Exception as error:  # parsers fail in ways they do not document
        message = f"{path}: not a readable table ({type(error).__name__}: {error})"
        raise InputError(message) from error
    table = _with_mended_names(path, table)
    table.attrs = {"source": str(path)}
    return table


def _read_csv(path: Path) -> pd.DataFrame:
    """A CSV file, each column read as a whole so that its type is one."""
    text = path.read_bytes().decode("utf-8-sig", "replace")
    if not text.endswith("\n"):
        message = f"the line that ends at byte {path.stat().st_size} has no line break: cut off?"
        raise ValueError(message)
    if "\0" in text:
        message = f"a zero at character {text.index(chr(0))}: not text"
        raise ValueError(message)
    columns = pd.read_csv(io.StringIO(text), nrows=0).columns
    table = pd.read_csv(
        io.StringIO(text),
        low_memory=False,
        dtype=dict.fromkeys(_NAMES, str),
        keep_default_na=False,
        na_values={name: _NO_NUMBER for name in columns if name not in _NAMES},
    )
    if type(table.index) is not pd.RangeIndex:  # it takes fields without a header for an index
        message = "expected as many fields in every line as in the header, got more"
        raise ValueError(message)
    return table


def _with_mended_names(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    """The table with '?' for every byte of a name of a station that is no UTF-8, which is told.

    Raises:
        InputError: there are such bytes elsewhere.
    """
    wrong = [str(name) for name in table if _NO_TEXT in str(name) or _is_mended(table[name])]
    if not wrong:
        return table
    if wrong != [_STATION]:
        message = (
            f"{path}: {', '.join(wrong)}: bytes that are no UTF-8, the first at position "
            f"{_first_odd_byte(path)}: save it as UTF-8"
        )
        raise InputError(message)
    names = table[_STATION].str.replace(_NO_TEXT, "?")
    changed = sorted(set(names[table[_STATION].str.contains(_NO_TEXT)]))
    warnings.warn(
        f"{path}: the names of {len(changed)} stations hold bytes that are no text and became "
        f"'?': {', '.join(changed[:_SHOWN])}",
        stacklevel=3,
    )
    return table.assign(**{_STATION: names})


def _first_odd_byte(path: Path) -> int:
    """Where the first byte is that is no UTF-8, from 0."""
    try:
        path.read_bytes().decode()
    except UnicodeDecodeError as error:
        return error.start
    return -1  # the sign that stands for such bytes was in the file as such


def _is_mended(column: pd.Series) -> bool:
    """Whether a column of text holds what stands for bytes that are none."""
    if pd.api.types.is_numeric_dtype(column):
        return False
    return bool(column.astype(str).str.contains(_NO_TEXT).any())


def _read_parquet(path: Path) -> pd.DataFrame:
    """A parquet file: a column of one value a million times over takes a few bytes of it."""
    import pyarrow.parquet  # noqa: PLC0415 (an extra)

    about = pyarrow.parquet.read_metadata(path)
    chunks = [
        about.row_group(group).column(column)
        for group in range(about.num_row_groups)
        for column in range(about.num_columns)
    ]
    numbers = _BYTES_OF_VALUE * sum(chunk.num_values for chunk in chunks)
    claimed = max(numbers, sum(chunk.total_uncompressed_size for chunk in chunks))
    check_growth(path.stat().st_size, claimed)
    return pd.read_parquet(path)


_READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": _read_csv,
    ".parquet": _read_parquet,
}
