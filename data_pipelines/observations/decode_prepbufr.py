"""Decode the messages of a PREPBUFR file: run as a program of its own, as `decode_bufr` is.

It takes a line "number start size" for every message from the standard input and writes one array
a column, a row a level, in NumPy's npz format to the standard output; beside them `mended`, names
with bytes that were no text, `failed_message` and `failed_reason`, `unused_name` and
`unused_count`. Of every stack of events the first is in force (see `prepbufr_stacks`). A report of
a category that is not read gives a row with nothing but its category.
"""

import io
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import earth2bufr
import numpy as np

from align_da.storage.durable import passing_file
from data_pipelines.observations.bounded_memory import bound_memory
from data_pipelines.observations.prepbufr_stacks import (
    MARKS,
    TEMPERATURES,
    floats_of,
    marks_of,
    rows_of,
    temperatures_of,
)

# Tables A of NCEP (prepobs_prep.bufrtable), less 48000: upper air, aircraft (2), satellite winds,
# profilers, VAD winds, surface stations, ships and buoys.
CATEGORIES = (102, 103, 104, 105, 106, 107, 109, 110)
_NUMBERS = (
    *("XOB", "YOB", "DHR", "ELV", "TYP", "CAT", "XDR", "YDR", "HRDR"),
    *("POB", "QOB", "TOB", "ZOB", "UOB", "VOB"),
)
_UNITS = {
    "POB": "MB",
    "QOB": "MG/KG",
    "TOB": "DEG C",
    "ZOB": "METER",
    "UOB": "M/S",
    "VOB": "M/S",
    "XOB": "DEG E",
    "YOB": "DEG N",
    "DHR": "HOURS",
    "ELV": "METER",
}
# What says who, where, when and how well, and what NCEP's own analysis made of it.
_BESIDE = re.compile(r"_.*|LOCAL.*|BYTCNT|SID|T29|DHR|SAID|SQN|ITP|RPT|.*(QM|PC|RC|OE|FC|AN)")
_TABLES = 11  # category of messages with tables
_LENGTH, _NAME = 2, 8  # bytes at the beginning of a subset: its length and the name of the station
_FAILED = 20  # messages that may be left out: each costs decoding the file again
_MESSAGE = re.compile(r"Source BUFR message (\d+):")
_Result = TypeVar("_Result")


@dataclass
class _Found:
    """What became of messages: values not read, names mended, messages tried and left out."""

    unused: Counter[str] = field(default_factory=Counter)
    mended: list[str] = field(default_factory=list)
    tried: set[int] = field(default_factory=set)
    failures: dict[int, str] = field(default_factory=dict)


def main(path: Path) -> None:
    """Decode the messages of the file and write what they hold."""
    content = path.read_bytes()
    spans = [tuple(map(int, line.split())) for line in sys.stdin]
    messages = {number: content[start : start + size] for number, start, size in spans}
    found = _Found()
    while True:
        try:
            found.unused.clear()
            parts = _with_file(messages, lambda file: _parts(file, found.unused))
            break
        except ValueError as error:
            _mend(messages, " ".join(str(error).split()), found)
    if not parts:
        sys.exit("there are tables and no data")
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    output = io.BytesIO()
    np.savez(output, allow_pickle=False, **columns, **_told(found))
    sys.stdout.buffer.write(output.getvalue())


def _told(found: _Found) -> dict[str, Any]:
    """Arrays of what is not read, was mended or failed."""
    return {
        "unused_name": np.asarray(list(found.unused), np.str_),
        "unused_count": np.asarray(list(found.unused.values()), np.int64),
        "mended": np.asarray(found.mended, np.str_),
        "failed_message": np.asarray(list(found.failures), np.int64),
        "failed_reason": np.asarray(list(found.failures.values()), np.str_),
    }


def _with_file(messages: dict[int, bytes], work: Callable[[Path], _Result]) -> _Result:
    """What `work` gives of a file of the messages alone, which goes again."""
    with passing_file(b"".join(messages.values()), ".prepbufr") as file:
        return work(file)


def _mend(messages: dict[int, bytes], reason: str, found: _Found) -> None:
    """Make the names in the message that `reason` is about text, or leave the message out.

    Ends the program where that is none with data, or too many are.
    """
    infos = dict(
        zip(messages, _with_file(messages, earth2bufr.get_metadata).messages, strict=True)
    )
    tables = [number for number, info in infos.items() if info.data_category == _TABLES]
    number = _culprit(messages, tables, reason)
    if number is None or number in tables or len(found.failures) >= _FAILED:
        sys.exit(reason)
    names: list[str] = []
    if "IA5" in reason and number not in found.tried and _begins_with_name(messages, number):
        messages[number], names = _with_plain_names(messages[number], infos[number])
    found.tried.add(number)
    found.mended += names
    if not names:
        del messages[number]
        found.failures[number] = reason


def _culprit(messages: dict[int, bytes], tables: list[int], reason: str) -> int | None:
    """The message that cannot be decoded: the one that is named, or the first that fails alone."""
    named = _MESSAGE.search(reason)
    if named:
        return list(messages)[int(named[1])]
    for number in messages.keys() - set(tables):
        alone = {one: messages[one] for one in (*tables, number)}
        try:
            _with_file(alone, lambda file: _parts(file, Counter()))
        except ValueError:
            return number
    return None


def _begins_with_name(messages: dict[int, bytes], number: int) -> bool:
    """Whether each subset of the message is its length in bytes, a name and the rest."""

    def structure(path: Path) -> Any:  # noqa: ANN401 (earth2bufr has no types)
        with earth2bufr.open_bufr(path) as source:
            return source.source_structure(list(messages).index(number))["effective_occurrences"]

    first = [
        (one["mnemonic"], one["effective_width"]) for one in _with_file(messages, structure)[:2]
    ]
    return first == [("BYTCNT", 8 * _LENGTH), ("SID", 8 * _NAME)]


def _with_plain_names(message: bytes, info: Any) -> tuple[bytes, list[str]]:  # noqa: ANN401
    """The message with "?" for bytes of names that are no text, and the names with one."""
    content, names, place = bytearray(message), [], 8
    for _ in range(3 if info.optional_section_present else 2):
        place += int.from_bytes(message[place : place + 3], "big")
    place += 4  # the head of section 4
    for _ in range(info.subsets):
        name = content[place + _LENGTH : place + _LENGTH + _NAME]
        plain = bytes(one if 32 <= one < 127 else ord("?") for one in name.replace(b"\0", b" "))
        if plain != name and name != b"\xff" * _NAME:
            content[place + _LENGTH : place + _LENGTH + _NAME] = plain
            names.append(plain.decode().strip())
        place += int.from_bytes(content[place : place + _LENGTH], "big")
    return bytes(content), names


def _parts(path: Path, unused: Counter[str]) -> list[dict[str, np.ndarray]]:
    """The columns of every batch of messages; adds to `unused`.

    Raises:
        ValueError: a message cannot be decoded.
    """
    # Strict: an element that is in no table would shift all that follow it.
    with earth2bufr.open_bufr(path, strict=True) as source:
        messages = source.info.data_messages
        _check_units(source, [one for one in messages if one.data_category in CATEGORIES])
        cycles = {
            one.source_message_index: np.datetime64(
                f"{one.year:04d}-{one.month:02d}-{one.day:02d}T{one.hour:02d}", "s"
            )
            for one in messages
        }
        batches = source.iter_batches(data_category_filter=list(CATEGORIES))
        read = [_columns(batch, cycles, unused) for batch in batches]
    others = [one for one in messages if one.data_category not in CATEGORIES]
    return read + [_nothing(one.data_category, one.subsets) for one in others]


def _check_units(source: Any, messages: Sequence[Any]) -> None:  # noqa: ANN401
    """End the program where the tables of the file give an element that is read another unit."""
    kinds = {(one.table_epoch, one.descriptors): one.source_message_index for one in messages}
    for index in kinds.values():
        for element in source.source_structure(index)["active_elements"]:
            name, unit = element["mnemonic"], element["units"]
            if unit != _UNITS.get(name, unit):
                sys.exit(f"expected {name} in {_UNITS[name]}, its tables say {unit}")


def _columns(nested: Any, cycles: dict[int, Any], unused: Counter[str]) -> dict[str, np.ndarray]:  # noqa: ANN401
    """Columns of a batch of one category; NaN where a message has no such element."""
    batch = earth2bufr.flatten_batch(nested)
    for name in set(batch.schema.names) - set(_NUMBERS):
        if not _BESIDE.fullmatch(name):
            unused[name] += batch.num_rows - batch.column(name).null_count
    found = {
        name: floats_of(batch.column(name))
        if name in batch.schema.names
        else np.full(batch.num_rows, np.nan)
        for name in _NUMBERS
    }
    names = [(name or "").strip() for name in batch.column("SID").to_pylist()]
    cycle = [cycles[number] for number in batch.column("_source_message_index").to_pylist()]
    category = np.asarray(batch.column("_data_category").to_numpy(zero_copy_only=False), np.int64)
    rows = rows_of(nested)
    return (
        found
        | marks_of(rows)
        | temperatures_of(rows)
        | {
            "category": category,
            "cycle": np.asarray(cycle, "datetime64[s]"),
            "station_id": np.asarray(names, np.str_),
        }
    )


def _nothing(category: int, count: int) -> dict[str, np.ndarray]:
    """Rows that say no more than that there were reports of a category."""
    return {name: np.full(count, np.nan) for name in (*_NUMBERS, *MARKS, *TEMPERATURES)} | {
        "category": np.full(count, category),
        "cycle": np.full(count, np.datetime64("NaT", "s"), "datetime64[s]"),
        "station_id": np.full(count, "", np.str_),
    }


if __name__ == "__main__":
    bound_memory(int(sys.argv[2]))
    main(Path(sys.argv[1]))
