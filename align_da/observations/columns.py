"""Columns of an observation table as arrays; what is wrong is told with the column and the row."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from align_da.checks import some_of
from align_da.errors import InputError


def check_columns(table: pd.DataFrame, needed: Sequence[str], optional: Sequence[str]) -> None:
    """Refuse a table that lacks a column, has one that nobody knows, or one twice.

    Args:
        table: whatever came.
        needed: names of the columns that it has to have.
        optional: of those that it may have besides.

    Raises:
        InputError: says what is needed, what is optional and what is wrong.
    """
    missing = [name for name in needed if name not in table]
    unknown = [str(name) for name in table.columns if name not in {*needed, *optional}]
    twice = [str(name) for name in table.columns[table.columns.duplicated()]]
    if missing or unknown or twice:
        message = (
            f"columns needed: {', '.join(needed)}; optional: {', '.join(optional)}; "
            f"missing: {', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'}; "
            f"twice: {', '.join(twice) or 'none'}"
        )
        raise InputError(message)


def numbers_of(column: pd.Series) -> Float[np.ndarray, " row"]:
    """A column of numbers as float64; what is missing is NaN.

    Raises:
        InputError: it holds anything else.
    """
    if not len(column):
        return np.zeros(0)
    if not pd.api.types.is_any_real_numeric_dtype(column):
        strange = pd.to_numeric(column.astype(str), errors="coerce").isna() & column.notna()
        first = f", first in row {int(np.argmax(strange)) + 1}" if strange.any() else ""
        message = f"column {column.name!r}: expected numbers, got {column.dtype}{first}"
        raise InputError(message)
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def whole_numbers_of(column: pd.Series) -> Int[np.ndarray, " row"]:
    """A column of whole numbers as int32.

    Raises:
        InputError: it holds anything else.
    """
    numbers = numbers_of(column)
    largest = np.iinfo(np.int32).max
    good = (numbers == np.floor(numbers)) & (np.abs(numbers) <= largest)
    if not np.all(good):
        row = int(np.argmin(good))
        message = (
            f"column {column.name!r}: expected whole numbers of at most {largest}, got "
            f"{numbers[row]} in row {row + 1}"
        )
        raise InputError(message)
    return numbers.astype(np.int32)


def names_of(column: pd.Series) -> list[str]:
    """A column of names, whatever its type."""
    return [str(name) for name in column]


def codes_of(name: str, column: list[str], known: Mapping[str, int]) -> Int[np.ndarray, " row"]:
    """The number of every name in the column called `name`, int32.

    Raises:
        InputError: a name is not among those `known`.
    """
    strangers = sorted(set(column) - set(known))
    if strangers:
        row = next(row for row, entry in enumerate(column, 1) if entry not in known)
        message = (
            f"column {name!r}: expected one of {', '.join(known)}, got "
            f"{some_of(strangers)}, first in row {row}"
        )
        raise InputError(message)
    return np.asarray([known[entry] for entry in column], dtype=np.int32)
