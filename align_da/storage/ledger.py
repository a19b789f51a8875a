"""The ledger: which cycles of a store are complete, with a digest of every array.

A text file with one JSON object a line. The first line lists the files that were written when
the store was made (metadata, coordinates, manifest) with their digests; each further line is a
completed cycle. The digest of a line covers the digest of the line before, so that a line that was
changed, lost or moved breaks the chain. Only what the ledger names is trusted.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
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
    """

    cycle: int
    valid_time: str
    arrays: Mapping[str, str]


@dataclass(frozen=True)
class Ledger:
    """The files a store was made of, and its completed cycles in order.

    Attributes:
        files: digest by path relative to the folder of the ledger.
        cycles: the completed cycles, numbered from 0 without a gap.
    """

    files: Mapping[str, str]
    cycles: tuple[CycleLine, ...] = ()


def write_ledger(path: Path, ledger: Ledger) -> None:
    """Replace the ledger on disk, durably.

    Raises:
        StorageError: it cannot be written.
    """
    write_durably(path, _text(ledger).encode())


def read_ledger(path: Path) -> Ledger:
    """Read a ledger and check its chain.

    Raises:
        StorageError: the file is missing or is not, bit for bit, what `write_ledger` wrote.
    """
    with storage_errors(path):
        content = path.read_bytes()
    try:
        ledger = _parse(content.decode())
        written = _text(ledger).encode()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        message = f"{path} is damaged ({error!r}): restore it from a copy"
        raise StorageError(message) from error
    if written != content:
        line = _first_difference(written.decode(), content.decode())
        message = f"{path} is damaged at line {line}: "
        raise StorageError(message + "its chain of digests does not hold; restore it from a copy")
    return ledger


def _text(ledger: Ledger) -> str:
    """The ledger as text: the lines in order, each with its digest and that of the line before."""
    previous, lines = "", []
    for entry in ({"files": dict(ledger.files)}, *map(asdict, ledger.cycles)):
        previous = digest_of_json(entry | {"previous": previous})
        lines.append(canonical_json(entry | {"digest": previous}))
    return "".join(f"{line}\n" for line in lines)


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
    return CycleLine(number, entry["valid_time"], entry["arrays"])


def _first_difference(expected: str, came: str) -> int:
    """Number of the first line, from 1, in which two texts differ."""
    expected_lines, came_lines = expected.splitlines(), came.splitlines()
    for number, (left, right) in enumerate(zip(expected_lines, came_lines, strict=False), 1):
        if left != right:
            return number
    return min(len(expected_lines), len(came_lines)) + 1
