"""What every cycle of a run has cost: a line of JSON a cycle, in a file beside the store.

Costs are never the same twice, so the store does not know them, and neither does its ledger: equal
runs have equal stores. Nor does a run need them. A run of an earlier version has no such file, and
a line that is not as it was written is passed over: what that cycle has cost is not recorded. A
line that a crash has cut has no line break.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from align_da.storage.digest import canonical_json, with_own_digest
from align_da.storage.durable import append_durably, storage_errors, write_durably
from align_da.storage.machine import Machine
from align_da.storage.store_places import costs_path

_OWN_DIGEST = "digest"
# What JSON and the parts of a line raise for damaged or foreign content.
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True)
class CycleCost:
    """What one cycle has cost, from the end of the one before to its own on the disk.

    Attributes:
        cycle: its number, from 0.
        wall_seconds: by the clock.
        cpu_seconds: of all threads of the process and of the children that it has waited for.
        peak_bytes: resident memory of the process at its peak until then, without an accelerator.
        first: whether it was the first of its process: what it has cost is compiling for the most.
        machine: where it was made.
    """

    cycle: int
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    first: bool
    machine: Machine


@dataclass(frozen=True)
class RecordedCosts:
    """What is known of the costs of a run.

    Attributes:
        cycles: of each that was recorded, in their order.
        damaged: lines that are not as they were written.
    """

    cycles: tuple[CycleCost, ...] = ()
    damaged: int = 0


def read_costs(store: Path, complete: int) -> RecordedCosts:
    """The costs of the complete cycles of a store; nothing where none were recorded.

    Args:
        store: of the cycles.
        complete: how many are; lines of others are left out.

    Raises:
        StorageError: the file is there and cannot be read.
    """
    path = costs_path(store)
    if not path.exists():
        return RecordedCosts()
    with storage_errors(path):
        *whole, _ = path.read_bytes().split(b"\n")
    found = list(_parsed(whole))
    by_cycle = {cost.cycle: cost for cost in found if cost.cycle < complete}
    return RecordedCosts(tuple(by_cycle[n] for n in sorted(by_cycle)), len(whole) - len(found))


def begin_costs(store: Path, complete: int) -> int:
    """Leave nothing in the file but the costs of complete cycles; others will be made again.

    Args:
        store: of the cycles, whose lock the caller owns.
        complete: how many are.

    Returns:
        How many lines were dropped because they were not as they were written.

    Raises:
        StorageError: the file cannot be read or written.
    """
    path, known = costs_path(store), read_costs(store, complete)
    content = "".join(map(_line, known.cycles)).encode()
    with storage_errors(path):
        before = path.read_bytes() if path.exists() else None
    if before != content:
        write_durably(path, content)
    return known.damaged


def append_cost(store: Path, cost: CycleCost) -> None:
    """Add what a cycle has cost to the file that `begin_costs` has left.

    Raises:
        StorageError: it cannot be written.
    """
    append_durably(costs_path(store), _line(cost).encode())


def _line(cost: CycleCost) -> str:
    """One line, with a digest of itself."""
    return f"{canonical_json(with_own_digest(asdict(cost), _OWN_DIGEST))}\n"


def _parsed(lines: list[bytes]) -> Iterator[CycleCost]:
    """The lines that are, byte for byte, as they would be written."""
    for line in lines:
        with suppress(*_UNREADABLE):
            cost = _cost(json.loads(line))
            if _line(cost).encode() == line + b"\n":
                yield cost


def _cost(told: Mapping[str, Any]) -> CycleCost:
    """What a line says.

    Raises:
        KeyError, TypeError, ValueError: it says something else.
    """
    machine = told["machine"]
    return CycleCost(
        int(told["cycle"]),
        float(told["wall_seconds"]),
        float(told["cpu_seconds"]),
        int(told["peak_bytes"]),
        bool(told["first"]),
        Machine(str(machine["processor"]), int(machine["cores"]), str(machine["device"])),
    )
