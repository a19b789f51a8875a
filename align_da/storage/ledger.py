"""The ledger: which cycles of a store are complete, with a digest of every array.

A text file with one JSON object a line. The first line lists the files that were written when
the store was made (metadata, coordinates, manifest) with their digests; each further line is a
completed cycle. The digest of a line covers the digest of the line before, so that a line that was
changed, lost or moved breaks the chain. Only what the ledger names is trusted.

A cycle adds its line and flushes it: the cost does not grow with the run. A line that a crash has
cut has no line break; it names no cycle, and the next one is written in its place.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from align_da.errors import StorageError
from align_da.storage.digest import canonical_json, digest_of_json
from align_da.storage.durable import storage_errors, write_durably


@dataclass(frozen=True)
class CycleLine:
    """One completed cycle.

    Attributes:
        cycle: number of the cycle, from 0.
        valid_time: ISO 8601.
        arrays: digest of every array of the cycle by its name in the store.
        chunks: the seal of the file of every array (see `store_files.chunk_seal`) by its name;
            empty in ledgers of earlier versions.
    """

    cycle: int
    valid_time: str
    arrays: Mapping[str, str]
    chunks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ledger:
    """The files a store was made of, and its completed cycles in order.

    Attributes:
        files: digest by path relative to the folder of the ledger.
        cycles: the completed cycles, numbered from 0 without a gap.
        last: digest of the last line on disk.
        size: bytes of all whole lines on disk.
    """

    files: Mapping[str, str]
    cycles: tuple[CycleLine, ...] = ()
    last: str = field(default="", compare=False)
    size: int = field(default=0, compare=False)


def write_ledger(path: Path, ledger: Ledger) -> Ledger:
    """Replace the ledger on disk, durably.

    Returns:
        The ledger, to which cycles can be appended.

    Raises:
        StorageError: it cannot be written.
    """
    text, last = _text(ledger)
    write_durably(path, text.encode())
    return replace(ledger, last=last, size=len(text.encode()))


def append_cycle(path: Path, ledger: Ledger, cycle: CycleLine) -> Ledger:
    """Add the line of a completed cycle, durably, in the place of a line that was cut.

    Args:
        path: of the ledger, which is owned by the caller.
        ledger: as it was read or written last.
        cycle: the next one.

    Returns:
        The ledger with one more cycle.

    Raises:
        StorageError: it cannot be written; the lines before are as they were.
    """
    line, last = _line(_entry(cycle), ledger.last)
    content = line.encode()
    with storage_errors(path), path.open("r+b", buffering=0) as file:
        try:
            file.truncate(ledger.size)
            file.seek(ledger.size)
            _write_all(file.fileno(), content)
            os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):  # the first error is what is told
                file.truncate(ledger.size)
            raise
    return Ledger(ledger.files, (*ledger.cycles, cycle), last, ledger.size + len(content))


def read_ledger(path: Path) -> Ledger:
    """Read a ledger and check its chain.

    Raises:
        StorageError: the file is missing, or its whole lines are not, bit for bit, what was
            written.
    """
    with storage_errors(path):
        content = path.read_bytes()
    try:
        whole = _whole_lines(content)
        ledger = _parse(whole.decode())
        text, last = _text(ledger)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        message = f"{path} is damaged ({error!r}): restore it from a copy"
        raise StorageError(message) from error
    if text.encode() != whole:
        line = _first_difference(text, whole.decode())
        message = f"{path} is damaged at line {line}: "
        raise StorageError(message + "its chain of digests does not hold; restore it from a copy")
    return replace(ledger, last=last, size=len(whole))


def _whole_lines(content: bytes) -> bytes:
    """Everything up to the last line break: what follows is a line that a crash has cut.

    Raises:
        ValueError: what follows is more than a line, whose line break was changed.
    """
    end = content.rfind(b"\n") + 1
    rest = content[end:].decode(errors="replace")
    with suppress(json.JSONDecodeError):
        _, length = json.JSONDecoder().raw_decode(rest)
        if length < len(rest):
            message = f"the last line goes on after its end with {rest[length:]!r}"
            raise ValueError(message)
    return content[:end]


def _text(ledger: Ledger) -> tuple[str, str]:
    """The ledger as text, each line with its digest and that of the line before; and the last."""
    previous, lines = "", []
    for entry in ({"files": dict(ledger.files)}, *map(_entry, ledger.cycles)):
        line, previous = _line(entry, previous)
        lines.append(line)
    return "".join(lines), previous


def _line(entry: Mapping[str, Any], previous: str) -> tuple[str, str]:
    """One line as text, and its digest."""
    digest = digest_of_json({**entry, "previous": previous})
    return f"{canonical_json({**entry, 'digest': digest})}\n", digest


def _entry(cycle: CycleLine) -> dict[str, Any]:
    """A cycle as a line holds it; those of earlier versions have no seals."""
    entry = vars(cycle)  # not copied: a ledger is read whenever a group is opened
    return entry if cycle.chunks else {key: entry[key] for key in entry if key != "chunks"}


def _write_all(descriptor: int, content: bytes) -> None:
    """Write everything: the system may take less at a time."""
    while content:
        content = content[os.write(descriptor, content) :]


def _parse(text: str) -> Ledger:
    """The content of a ledger; its digests are not checked here."""
    first, *rest = [json.loads(line) for line in text.splitlines()]
    cycles = tuple(_cycle_line(entry, number) for number, entry in enumerate(rest))
    return Ledger(first["files"], cycles)


def _cycle_line(entry: Mapping[str, Any], number: int) -> CycleLine:
    """One line; its cycle must be the number of its place."""
    if entry["cycle"] != number:
        message = f"expected cycle {number}, got {entry['cycle']}"
        raise ValueError(message)
    return CycleLine(number, entry["valid_time"], entry["arrays"], entry.get("chunks", {}))


def _first_difference(expected: str, came: str) -> int:
    """Number of the first line, from 1, in which two texts differ."""
    expected_lines, came_lines = expected.splitlines(), came.splitlines()
    for number, (left, right) in enumerate(zip(expected_lines, came_lines, strict=False), 1):
        if left != right:
            return number
    return min(len(expected_lines), len(came_lines)) + 1
