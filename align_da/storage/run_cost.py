"""What a cycle of a run costs: the median over its cycles, which outliers do not move.

The first cycle of a process compiles, which is no cost of a method; it is left out wherever there
are others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from align_da.storage.cycle_costs import CycleCost, read_costs
from align_da.storage.machine import Machine


@dataclass(frozen=True)
class RunCost:
    """What the cycles of a run cost.

    Attributes:
        cycles: how many were recorded.
        processes: how many began with one of them.
        wall_seconds: a cycle, the median.
        cpu_seconds: likewise.
        peak_bytes: resident memory of the largest process at its peak.
        compiled: whether the medians are of cycles that compile, as there are no others.
        machines: on which they were made, each once.
    """

    cycles: int
    processes: int
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    compiled: bool
    machines: tuple[Machine, ...]

    def __str__(self) -> str:
        """In words."""
        compiling = ", compiling included" if self.compiled else ""
        return (
            f"{self.cpu_seconds:.3g} s of CPU time and {self.wall_seconds:.3g} s a cycle"
            f"{compiling}, {self.peak_bytes / 1e9:.3g} GB at the peak"
        )


def cost_of_run(store: Path, complete: int) -> RunCost | None:
    """What the complete cycles of a store have cost; None where nothing was recorded.

    Args:
        store: of the cycles.
        complete: how many are.

    Raises:
        StorageError: what was recorded cannot be read.
    """
    return summary_of_costs(read_costs(store, complete).cycles)


def summary_of_costs(costs: Sequence[CycleCost]) -> RunCost | None:
    """What a cycle costs; None without any."""
    if not costs:
        return None
    later = [cost for cost in costs if not cost.first]
    told = later or costs
    return RunCost(
        len(costs),
        sum(cost.first for cost in costs),
        median(cost.wall_seconds for cost in told),
        median(cost.cpu_seconds for cost in told),
        max(cost.peak_bytes for cost in costs),
        not later,
        tuple(dict.fromkeys(cost.machine for cost in costs)),
    )
