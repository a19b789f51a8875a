"""Reading observation tables from CSV and parquet files.

The columns are the business of `align_da.observations.table`; here a file becomes a table or an
error that names the file.
"""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from align_da.errors import InputError


def read_observation_table(path: Path) -> pd.DataFrame:
    """The table in a file, one row an observation.

    Args:
        path: ends in ".csv" (UTF-8, one header line) or ".parquet".

    Raises:
        InputError: no such file, another ending, or content that is not a table.
    """
    if path.suffix not in _READERS:
        message = f"{path}: expected a file ending in {' or '.join(_READERS)}, convert it"
        raise InputError(message)
    if not path.is_file():
        message = f"{path}: expected an observation table, found no such file"
        raise InputError(message)
    try:
        return _READERS[path.suffix](path)
    except Exception as error:  # parsers fail in ways they do not document
        message = f"{path}: not a readable table ({type(error).__name__}: {error})"
        raise InputError(message) from error


def _read_csv(path: Path) -> pd.DataFrame:
    """A CSV file, each column read as a whole so that its type is one."""
    return pd.read_csv(path, low_memory=False)


_READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": _read_csv,
    ".parquet": pd.read_parquet,
}
