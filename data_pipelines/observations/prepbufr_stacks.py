"""Stacks of events: what NCEP's programs made of one value of a PREPBUFR report.

The first event is in force, the last that was made; a mark that it lacks is that of the next event
that has one. A temperature stays virtual in whatever event is put above one of VIRTMP:
MADE_VIRTUAL says that there is one (1, otherwise NaN), VIRTUAL is what VIRTMP made last, SENSIBLE
what lies below all its events. The child that decodes imports this file, which imports nothing of
Align-DA.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MARKS = ("PQM", "QQM", "TQM", "ZQM", "WQM")
TEMPERATURES = ("MADE_VIRTUAL", "VIRTUAL", "SENSIBLE")
_VIRTMP = 8  # code of the program that makes temperatures virtual


def rows_of(batch: Any) -> Any:  # noqa: ANN401
    """A row for every level, or for every report without levels, its events not flattened."""
    reports = batch.to_struct_array()
    for place, part in enumerate(reports.type):
        if pa.types.is_list(part.type) and "CAT" in {one.name for one in part.type.value_type}:
            return reports.field(place).flatten()
    return reports


def _events(rows: Any, name: str) -> tuple[np.ndarray, Any] | None:  # noqa: ANN401
    """Every event that has the element `name`, the last made first, and the row it belongs to."""
    for place, part in enumerate(rows.type):
        if part.name == name:
            return np.arange(len(rows)), rows
        if pa.types.is_list(part.type) and pa.types.is_struct(part.type.value_type):
            lists = rows.field(place)
            found = _events(lists.flatten(), name)
            if found is not None:
                return pc.list_parent_indices(lists).to_numpy()[found[0]], found[1]
    return None


def marks_of(rows: Any) -> dict[str, np.ndarray]:  # noqa: ANN401
    """The mark in force of every row: the first of its stack."""
    marks = {name: np.full(len(rows), np.nan) for name in MARKS}
    for name, array in marks.items():
        if (found := _events(rows, name)) is not None:
            row, events = found
            _fill_first(array, row, floats_of(events.field(name)))
    return marks


def temperatures_of(rows: Any) -> dict[str, np.ndarray]:  # noqa: ANN401
    """Whether VIRTMP has an event in the stack, its temperature and that below it, deg C."""
    columns = {name: np.full(len(rows), np.nan) for name in TEMPERATURES}
    if (found := _events(rows, "TPC")) is not None:
        row, events = found
        value = floats_of(events.field("TOB"))
        made = np.flatnonzero(floats_of(events.field("TPC")) == _VIRTMP)
        lowest = np.full(len(rows), len(events))
        lowest[row[made]] = made  # the last of a row stays
        below = np.arange(len(events)) > lowest[row]
        columns["MADE_VIRTUAL"][row[made]] = 1.0
        _fill_first(columns["VIRTUAL"], row[made], value[made])
        _fill_first(columns["SENSIBLE"], row[below], value[below])
    return columns


def _fill_first(array: np.ndarray, row: np.ndarray, value: np.ndarray) -> None:
    """Write the first known value of every row."""
    known = np.isfinite(value)
    rows, first = np.unique(row[known], return_index=True)
    array[rows] = value[known][first]


def floats_of(array: Any) -> np.ndarray:  # noqa: ANN401
    """A column as float64, NaN where it has no value."""
    return np.asarray(array.to_numpy(zero_copy_only=False), np.float64)
