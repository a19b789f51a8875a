"""The framing of BUFR messages (WMO-No. 306, volume I.2, FM 94), before anything is decoded."""

import warnings
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from align_da.errors import InputError

_EDITIONS = (2, 3, 4)


def check_framing(path: Path) -> None:
    """Every message begins, ends and has an edition as it should.

    Raises:
        InputError: one does not; names its number and byte.
    """
    content = path.read_bytes()
    start = content.find(b"BUFR")
    if start < 0:
        message = f"{path}: expected BUFR messages, found none: another format, or an empty file?"
        raise InputError(message)
    number = 0
    while start >= 0:
        number += 1
        size = int.from_bytes(content[start + 4 : start + 7], "big")
        where = f"{path}: message {number} at byte {start}"
        if start + max(size, 8) > len(content):
            left = len(content) - start
            message = f"{where}: expected {size} bytes, got {left}: the file is cut off"
            raise InputError(message)
        if content[start + 7] not in _EDITIONS:
            message = f"{where}: expected edition 2, 3 or 4, got {content[start + 7]}"
            raise InputError(message)
        if content[start + size - 4 : start + size] != b"7777":
            message = f"{where}: expected 7777 at its end after {size} bytes: it is damaged"
            raise InputError(message)
        start = content.find(b"BUFR", start + size)


def of_known_categories(
    rows: pd.DataFrame, known: Mapping[int, str], path: Path
) -> tuple[pd.DataFrame, dict[str, int]]:
    """The rows of categories that are read; the others are counted and told.

    Returns:
        The rows, and the number of the others by category.

    Raises:
        InputError: there are no others.
    """
    read = rows["category"].isin(list(known))
    left_out: dict[str, int] = {}
    if not read.all():
        others = rows.loc[~read, "category"].value_counts().to_dict()
        message = (
            f"{path}: reports are not read, by category (-1: without our variables): {others}"
        )
        if not read.any():
            message += f": expected one of {', '.join(map(str, known))} (BUFR table A)"
            raise InputError(message)
        warnings.warn(message, stacklevel=2)
        left_out = {f"category {number}": count for number, count in others.items()}
    kept: pd.DataFrame = rows[read].reset_index(drop=True)
    return kept, left_out


def named(rows: pd.DataFrame) -> pd.Series:
    """Names of stations; the place of those without one."""
    place = rows["latitude"].round(2).astype(str) + "_" + rows["longitude"].round(2).astype(str)
    names: pd.Series = rows["station_id"].where(rows["station_id"] != "", "at_" + place)
    return names
