"""Decode the messages of a PREPBUFR file: run as a program of its own, as `decode_bufr` is.

It imports nothing of Align-DA and writes one array a column, a row a level, in NumPy's npz format
to the standard output. Of every stack of events the first is in force, which is the last that was
made; a mark that it lacks is that of the next event that has one. A temperature stays virtual in
whatever event is put above one of VIRTMP: MADE_VIRTUAL says that there is one (1, otherwise NaN),
VIRTUAL is what VIRTMP made last, SENSIBLE what lies below all its events. A report of a category
that is not read gives a row with nothing but its category.
"""

import io
import sys
from pathlib import Path
from typing import Any

import earth2bufr
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# Tables A of NCEP (prepobs_prep.bufrtable), less 48000: upper air, aircraft (2), satellite winds,
# profilers, VAD winds, surface stations, ships and buoys.
CATEGORIES = (102, 103, 104, 105, 106, 107, 109, 110)
_NUMBERS = (
    *("XOB", "YOB", "DHR", "ELV", "TYP", "CAT", "XDR", "YDR", "HRDR"),
    *("POB", "QOB", "TOB", "ZOB", "UOB", "VOB"),
)
_MARKS = ("PQM", "QQM", "TQM", "ZQM", "WQM")
_TEMPERATURES = ("MADE_VIRTUAL", "VIRTUAL", "SENSIBLE")
_VIRTMP = 8  # code of the program that makes temperatures virtual


def main(path: Path) -> None:
    """Decode the file and write its columns."""
    try:
        parts = _parts(path)
    except ValueError as error:
        sys.exit(" ".join(str(error).split()))
    if not parts:
        sys.exit("there are tables and no data")
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    output = io.BytesIO()
    np.savez(output, allow_pickle=False, **columns)
    sys.stdout.buffer.write(output.getvalue())


def _parts(path: Path) -> list[dict[str, np.ndarray]]:
    """The columns of every batch of messages.

    Raises:
        ValueError: a message cannot be decoded.
    """
    # Strict: an element that is in no table would shift all that follow it.
    with earth2bufr.open_bufr(path, strict=True) as source:
        messages = source.info.data_messages
        cycles = {
            one.source_message_index: np.datetime64(
                f"{one.year:04d}-{one.month:02d}-{one.day:02d}T{one.hour:02d}", "s"
            )
            for one in messages
        }
        batches = source.iter_batches(data_category_filter=list(CATEGORIES))
        read = [_columns(batch, cycles) for batch in batches]
    others = [one for one in messages if one.data_category not in CATEGORIES]
    return read + [_nothing(one.data_category, one.subsets) for one in others]


def _columns(nested: Any, cycles: dict[int, Any]) -> dict[str, np.ndarray]:  # noqa: ANN401 (pyarrow has no types)
    """Columns of a batch of one category; NaN where a message has no such element."""
    batch = earth2bufr.flatten_batch(nested)
    found = {
        name: _floats(batch.column(name))
        if name in batch.schema.names
        else np.full(batch.num_rows, np.nan)
        for name in _NUMBERS
    }
    names = [(name or "").strip() for name in batch.column("SID").to_pylist()]
    cycle = [cycles[number] for number in batch.column("_source_message_index").to_pylist()]
    category = np.asarray(batch.column("_data_category").to_numpy(zero_copy_only=False), np.int64)
    rows = _rows(nested)
    return (
        found
        | _marks(rows)
        | _temperatures(rows)
        | {
            "category": category,
            "cycle": np.asarray(cycle, "datetime64[s]"),
            "station_id": np.asarray(names, np.str_),
        }
    )


def _rows(batch: Any) -> Any:  # noqa: ANN401
    """A row for every level, or for every report without levels, its events not flattened."""
    reports = batch.to_struct_array()
    for place, field in enumerate(reports.type):
        if pa.types.is_list(field.type) and "CAT" in {one.name for one in field.type.value_type}:
            return reports.field(place).flatten()
    return reports


def _events(rows: Any, name: str) -> tuple[np.ndarray, Any] | None:  # noqa: ANN401
    """Every event that has the element `name`, the last made first, and the row it belongs to."""
    for place, field in enumerate(rows.type):
        if field.name == name:
            return np.arange(len(rows)), rows
        if pa.types.is_list(field.type) and pa.types.is_struct(field.type.value_type):
            lists = rows.field(place)
            found = _events(lists.flatten(), name)
            if found is not None:
                return pc.list_parent_indices(lists).to_numpy()[found[0]], found[1]
    return None


def _marks(rows: Any) -> dict[str, np.ndarray]:  # noqa: ANN401
    """The mark in force of every row: the first of its stack."""
    marks = {name: np.full(len(rows), np.nan) for name in _MARKS}
    for name, array in marks.items():
        if (found := _events(rows, name)) is not None:
            row, events = found
            _fill_first(array, row, _floats(events.field(name)))
    return marks


def _temperatures(rows: Any) -> dict[str, np.ndarray]:  # noqa: ANN401
    """Whether VIRTMP has an event in the stack, its temperature and that below it, deg C."""
    columns = {name: np.full(len(rows), np.nan) for name in _TEMPERATURES}
    if (found := _events(rows, "TPC")) is not None:
        row, events = found
        value = _floats(events.field("TOB"))
        made = np.flatnonzero(_floats(events.field("TPC")) == _VIRTMP)
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


def _floats(array: Any) -> np.ndarray:  # noqa: ANN401
    return np.asarray(array.to_numpy(zero_copy_only=False), np.float64)


def _nothing(category: int, count: int) -> dict[str, np.ndarray]:
    """Rows that say no more than that there were reports of a category."""
    return {name: np.full(count, np.nan) for name in (*_NUMBERS, *_MARKS, *_TEMPERATURES)} | {
        "category": np.full(count, category),
        "cycle": np.full(count, np.datetime64("NaT"), "datetime64[s]"),
        "station_id": np.full(count, "", np.str_),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
