"""The framing of BUFR messages (WMO-No. 306, volume I.2, FM 94), before anything is decoded."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from align_da.errors import InputError

_EDITIONS = (2, 3, 4)
_TOLD = 5  # problems that a warning names


@dataclass(frozen=True)
class Message:
    """Where a message lies in a file; numbers begin at 1 and count damaged ones too."""

    number: int
    start: int
    size: int


def framed_messages(path: Path) -> tuple[list[Message], dict[int, str]]:
    """The messages that begin, end and have an edition as they should.

    What lies between messages (the heading of a bulletin) is passed over; after a damaged message
    the search goes on behind its first bytes.

    Returns:
        The messages, and by number the damaged ones with the reason.

    Raises:
        InputError: there is no message, or none that is whole.
    """
    content = path.read_bytes()
    start = content.find(b"BUFR")
    if start < 0:
        message = f"{path}: expected BUFR messages, found none: another format, or an empty file?"
        raise InputError(message)
    messages: list[Message] = []
    damaged: dict[int, str] = {}
    while start >= 0:
        number = len(messages) + len(damaged) + 1
        size = int.from_bytes(content[start + 4 : start + 7], "big")
        problem = _problem(content, start, size)
        if problem:
            damaged[number] = f"message {number} at byte {start}: {problem}"
            size = len(b"BUFR")
        else:
            messages.append(Message(number, start, size))
        start = content.find(b"BUFR", start + size)
    if not messages:
        message = f"{path}: {next(iter(damaged.values()))}"
        raise InputError(message)
    return messages, damaged


def _problem(content: bytes, start: int, size: int) -> str:
    """What is wrong with the frame of the message at `start`; empty if nothing is."""
    left = len(content) - start
    if max(size, 8) > left:
        return f"expected {size} bytes, got {left}: the file is cut off"
    if content[start + 7] not in _EDITIONS:
        return f"expected edition 2, 3 or 4, got {content[start + 7]}"
    if size < 8 or content[start + size - 4 : start + size] != b"7777":
        return f"expected 7777 at its end after {size} bytes"
    return ""


def tell_damaged(
    path: Path,
    messages: Sequence[Message],
    damaged: Mapping[int, str],
    failed: Mapping[int, str],
    package: str,
) -> dict[str, int]:
    """Warn of the damaged messages of a file whose others are read.

    Args:
        path: the file.
        messages: those with a frame as it should be.
        damaged: what is wrong with the frame of the others, by number.
        failed: why some of `messages` could not be decoded, by number.
        package: what decodes.

    Returns:
        Their number, for an account.

    Raises:
        InputError: there are no others.
    """
    problems = dict(damaged)
    for number, reason in failed.items():
        problems[number] = f"message {number} cannot be decoded by {package} ({reason})"
    if not problems:
        return {}
    told = "; ".join(problems[number] for number in sorted(problems)[:_TOLD])
    if len(failed) == len(messages):
        message = f"{path}: {told}: it is damaged, remove it"
        raise InputError(message)
    total = len(messages) + len(damaged)
    message = f"{path}: {len(problems)} of {total} messages are damaged and left out: {told}"
    warnings.warn(message, stacklevel=3)
    return {"damaged message": len(problems)}


def tell_mended(names: Sequence[str], path: Path) -> None:
    """Warn of names of stations whose bytes were no text and became "?"."""
    if len(names):
        message = (
            f"{path}: the names of {len(names)} reports hold bytes that are no text and became "
            f"'?': {', '.join(sorted(set(names))[:_TOLD])}"
        )
        warnings.warn(message, stacklevel=3)


def not_read(names: np.ndarray, counts: np.ndarray) -> dict[str, int]:
    """Numbers of values of elements that are not read, for an account."""
    pairs = sorted(zip(names.tolist(), counts.tolist(), strict=True))
    return {f"{name} (not read)": count for name, count in pairs if count}


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
