"""Names of stations: text, and one name a station whatever file it comes from.

Files write the same station as "01001", 1001 (a column of numbers), "1001.0" (one with a gap),
"01001   " (characters of fixed length) or "0-20000-0-01001" (its WIGOS identifier, WMO-No. 1160:
issuers 20000 to 20007 stand for the numbers that WMO gave before).
"""

import re
import zlib
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

_WIGOS = re.compile(r"0-2000[0-7]-0-(\d{1,9})")
_OF_A_COLUMN_WITH_GAPS = re.compile(r"(\d+)\.0")
_WMO_DIGITS = 5  # block and station: zeros in front are lost where they were numbers
_DIGITS = 9  # of numbers that are kept: more would not fit into 32 bits
_NONE = {"", "nan", "NaN", "NaT", "None", "<NA>", "--"}  # as Python writes what is missing


def station_names(
    column: Sequence[object] | pd.Series,
    latitude: Float[np.ndarray, " row"],
    longitude: Float[np.ndarray, " row"],
) -> list[str]:
    """The one name of the station of every row; a row without one is named after its place.

    Args:
        column: names as they were read: texts, bytes or numbers.
        latitude: degrees north.
        longitude: degrees east.
    """
    texts = [text_of(entry) for entry in column]
    own = {text: _one_name(text) for text in set(texts)}
    found = [own[text] for text in texts]
    for row in (row for row, name in enumerate(found) if not name):
        found[row] = f"at_{round(latitude[row], 2)}_{round(longitude[row], 2)}"
    return found


def number_of_station(name: str) -> int:
    """The number that stands for a station in a cycle: its own, or a checksum of its name.

    Args:
        name: as `station_names` gives it.
    """
    own = name.isascii() and name.isdigit() and len(name) <= _DIGITS
    return int(name) if own else zlib.crc32(name.encode()) & 0x7FFFFFFF


def named_station(text: str, numbers: Iterable[int]) -> int | None:
    """Which of the stations of a cycle is meant, or None.

    Args:
        text: a number as a cycle has stored it, or a name as a file has it.
        numbers: of the stations of the cycle.
    """
    there = set(numbers)
    stored = int(text) if text.isascii() and text.isdigit() else None
    meant = (stored, number_of_station(_one_name(text.strip())))
    return next((number for number in meant if number in there), None)


def text_of(entry: object) -> str:
    """What a file holds as a name, as text; bytes that are no UTF-8 are replaced."""
    text = entry.decode("utf-8", "replace") if isinstance(entry, bytes) else str(entry)
    return text.replace("\0", " ").strip()


def _one_name(text: str) -> str:
    """The name that stands for the station, empty if there is none."""
    if text in _NONE:
        return ""
    for pattern in (_WIGOS, _OF_A_COLUMN_WITH_GAPS):
        if whole := pattern.fullmatch(text):
            text = whole[1]
    return text.zfill(_WMO_DIGITS) if text.isascii() and text.isdigit() else text
