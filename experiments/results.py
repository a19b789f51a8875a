"""What an experiment leaves in its folder: tables of results, and the scores they are made of.

    results/NAME.csv      a small table, numbers with six digits; `experiments.check` reads it
    scores/NAME.csv.gz    scores by date; `experiments.recompute` makes the table of them again

Six digits keep every published figure, which have four at most.
"""

import gzip
import io
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from align_da.errors import StorageError
from align_da.storage.durable import storage_errors, write_durably
from align_da.verification.score_table import ROW_COLUMNS

_DIGITS = "%.6g"
Columns = list[str]


def write_result(folder: Path, name: str, table: pd.DataFrame) -> Path:
    """Write a table of results; returns its file.

    Raises:
        StorageError: it cannot be written.
    """
    return _write(folder / "results" / f"{name}.csv", _text(table))


def read_result(path: Path) -> pd.DataFrame:
    """A table of results.

    Raises:
        StorageError: it is missing, or no table.
    """
    return _read(path)


def add_result(folder: Path, name: str, rows: pd.DataFrame, keys: Columns) -> Path:
    """Write rows in place of those that have the same keys, beside the others of the file.

    An experiment that is run in parts ends with the whole table.

    Raises:
        StorageError: the table cannot be read or written.
    """
    path = folder / "results" / f"{name}.csv"
    if path.exists():
        known = read_result(path)
        new = rows[keys].astype(str).agg("\n".join, axis=1)
        kept = known[~known[keys].astype(str).agg("\n".join, axis=1).isin(new)]
        rows = pd.concat([kept, rows], ignore_index=True)
    return write_result(folder, name, rows)


def write_scores(folder: Path, name: str, rows: pd.DataFrame) -> Path:
    """Write scores by date, equal scores as equal bytes; returns their file.

    Raises:
        StorageError: they cannot be written.
    """
    content = gzip.compress(_text(rows), compresslevel=9, mtime=0)
    return _write(folder / "scores" / f"{name}.csv.gz", content)


def read_scores(path: Path) -> pd.DataFrame:
    """Scores by date.

    Raises:
        StorageError: they are missing, or no table.
    """
    return _read(path)


def scores_in(folder: Path) -> dict[str, Path]:
    """Files of the scores that are kept in a folder, by name."""
    files = sorted((folder / "scores").glob("*.csv.gz"))
    return {path.name.removesuffix(".csv.gz"): path for path in files}


def write_picture(path: Path, content: bytes) -> Path:
    """Write a picture; returns its file.

    Raises:
        StorageError: it cannot be written.
    """
    return _write(path, content)


def tidy(rows: Iterable[tuple[object, ...]]) -> pd.DataFrame:
    """Scores by date as a table, see `align_da.verification.score_table`."""
    return pd.DataFrame(list(rows), columns=list(ROW_COLUMNS))


def only(rows: pd.DataFrame, **chosen: Iterable[str]) -> pd.DataFrame:
    """The rows whose columns hold one of some values each."""
    for column, values in chosen.items():
        rows = rows[rows[column].isin(list(values))]
    return rows


def _text(table: pd.DataFrame) -> bytes:
    text: str = table.to_csv(index=False, lineterminator="\n", float_format=_DIGITS)
    return text.encode()


def _write(path: Path, content: bytes) -> Path:
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, content)
    return path


def _read(path: Path) -> pd.DataFrame:
    with storage_errors(path):
        content = path.read_bytes()
    try:
        plain = gzip.decompress(content) if path.suffix == ".gz" else content
        return pd.read_csv(io.BytesIO(plain))
    except (OSError, EOFError, ValueError) as error:
        message = f"{path}: expected a table ({error}): make it again"
        raise StorageError(message) from error
