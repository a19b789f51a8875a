"""Decode the messages of a PREPBUFR file: run as a program of its own, as `decode_bufr` is.

It imports nothing of Align-DA and writes one array a column, a row a level, in NumPy's npz format
to the standard output. Of every stack of events the first is kept, which is the last that was
made. A report of a category that is not read gives a row with nothing but its category.
"""

import io
import sys
from pathlib import Path
from typing import Any

import earth2bufr
import numpy as np

# Tables A of NCEP (prepobs_prep.bufrtable), less 48000: upper air, aircraft (2), satellite winds,
# profilers, VAD winds, surface stations, ships and buoys.
CATEGORIES = (102, 103, 104, 105, 106, 107, 109, 110)
_NUMBERS = (
    *("XOB", "YOB", "DHR", "ELV", "TYP", "CAT", "XDR", "YDR", "HRDR"),
    *("POB", "PQM", "QOB", "QQM", "TOB", "TQM", "TPC", "ZOB", "ZQM", "UOB", "VOB", "WQM"),
)


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
        read = [_columns(earth2bufr.flatten_batch(batch), cycles) for batch in batches]
    others = [one for one in messages if one.data_category not in CATEGORIES]
    return read + [_nothing(one.data_category, one.subsets) for one in others]


def _columns(batch: Any, cycles: dict[int, Any]) -> dict[str, np.ndarray]:  # noqa: ANN401 (pyarrow has no types)
    """Columns of a batch of one category; NaN where a message has no such element."""
    found = {
        name: np.asarray(batch.column(name).to_numpy(zero_copy_only=False), np.float64)
        if name in batch.schema.names
        else np.full(batch.num_rows, np.nan)
        for name in _NUMBERS
    }
    names = [(name or "").strip() for name in batch.column("SID").to_pylist()]
    cycle = [cycles[number] for number in batch.column("_source_message_index").to_pylist()]
    category = np.asarray(batch.column("_data_category").to_numpy(zero_copy_only=False), np.int64)
    return found | {
        "category": category,
        "cycle": np.asarray(cycle, "datetime64[s]"),
        "station_id": np.asarray(names, np.str_),
    }


def _nothing(category: int, count: int) -> dict[str, np.ndarray]:
    """Rows that say no more than that there were reports of a category."""
    return {name: np.full(count, np.nan) for name in _NUMBERS} | {
        "category": np.full(count, category),
        "cycle": np.full(count, np.datetime64("NaT"), "datetime64[s]"),
        "station_id": np.full(count, "", np.str_),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
