"""BUFR: radiosondes (TEMP, PILOT), surface stations and ships (SYNOP), aircraft (AMDAR).

The framing of every message is checked before eccodes sees a byte; the data are decoded in a child
process (see `decode_bufr`), become rows by the order of their elements (see `bufr_rows`) and then
reports (see `bufr_reports`). Damaged messages, messages of other categories and elements that are
not read are counted and told.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from data_pipelines.observations.account import FileReports
from data_pipelines.observations.bufr_reports import NUMBERS, SHIP, SURFACE, TYPES, reports_of_rows
from data_pipelines.observations.bufr_rows import Row, levels_of, times_of
from data_pipelines.observations.child import decoded_by
from data_pipelines.observations.framing import (
    framed_messages,
    not_read,
    of_known_categories,
    tell_damaged,
    tell_mended,
)

_NOTHING = -1  # stands for the category of a subset without anything that is read


def read_bufr(path: Path) -> FileReports:
    """The reports of a BUFR file.

    Raises:
        InputError: the file is no BUFR, or holds no whole message or no report that is read.
        ConfigError: eccodes is not installed.
    """
    messages, damaged = framed_messages(path)
    found, fatal = decoded_by("decode_bufr.py", "eccodes", path, messages)
    reasons = zip(found["failed_message"].tolist(), found["failed_reason"], strict=True)
    left_out = tell_damaged(path, messages, damaged, dict(reasons) | fatal, "eccodes")
    tell_mended(found["station_id"][found["mended"]].tolist(), path)
    rows, again = _rows(found)
    known, others = of_known_categories(rows, TYPES, path)
    table, without = reports_of_rows(known, path)
    left_out |= others | without | again
    left_out |= not_read(found["unused_name"], found["unused_count"])
    return FileReports(table, len(table) + sum(left_out.values()), left_out)


def _rows(found: Mapping[str, np.ndarray]) -> tuple[pd.DataFrame, dict[str, int]]:
    """A row for every level, point or time of every subset, and what is given again."""
    category, again, subsets = found["category"].copy(), Counter[str](), []
    tables = [np.zeros((0, len(NUMBERS)))]
    for subset, elements in enumerate(_elements(found)):
        rows, more = _rows_of(int(category[subset]), elements)
        if category[subset] in TYPES and not rows:
            category[subset] = _NOTHING
        rows = rows or [{}]
        tables.append(np.asarray([[row.get(name, np.nan) for name in NUMBERS] for row in rows]))
        subsets += [subset] * len(rows)
        again.update(more)
    table = pd.DataFrame(np.concatenate(tables), columns=list(NUMBERS)).assign(
        subset=subsets, category=category[subsets], station_id=found["station_id"][subsets]
    )
    return table, {f"{name} (again at its place and time)": n for name, n in again.items()}


def _rows_of(category: int, elements: list[tuple[str, float]]) -> tuple[list[Row], Counter[str]]:
    """The rows of one subset, and what is given again in it."""
    if category in {SURFACE, SHIP}:
        return times_of(elements)
    return levels_of(elements), Counter()


def _elements(found: Mapping[str, np.ndarray]) -> Iterator[list[tuple[str, float]]]:
    """Names and values of every subset in their order."""
    names = found["names"][found["element"]].tolist()
    values = found["value"].tolist()
    ends = np.searchsorted(found["subset"], np.arange(found["category"].size + 1)).tolist()
    for begin, end in pairwise(ends):
        yield list(zip(names[begin:end], values[begin:end], strict=True))
