"""What is measured, from which base, and over which sizes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from align_da.verification.cost import Cost
from experiments.costs import analysis_costs, data_costs, forecast_costs, worker_costs
from experiments.costs.sizes import Size, varied

GRID, CHANNELS = (16, 32, 48, 64), (1, 4, 13)
OBSERVATIONS, MEMBERS = (1024, 4096, 16384, 65536), (1, 2, 4, 8, 16)


@dataclass(frozen=True)
class Part:
    """Programs that are measured together.

    Attributes:
        measure: (size, repetitions) → cost of every program.
        values: of the fields of `Size`, by factor; "points" are of the grid.
        base: what the other factors keep.
    """

    measure: Callable[[Size, int], Mapping[str, Cost]]
    values: Mapping[str, tuple[int, ...]]
    base: Size = field(default_factory=Size)

    def cut(self, points: int | None) -> "Part":
        """The smallest values of every factor; all where None."""
        return replace(self, values={name: some[:points] for name, some in self.values.items()})


_OF_STATES = {"points": GRID, "channels": CHANNELS}
_OF_ANALYSES = {**_OF_STATES, "observations": OBSERVATIONS}
PARTS = {
    "jfps": Part(analysis_costs.jfps, {**_OF_ANALYSES, "members": MEMBERS[:3]}),
    "latent_three_d_var": Part(
        analysis_costs.latent_three_d_var, {**_OF_ANALYSES, "members": MEMBERS[::2]}
    ),
    "letkf": Part(
        analysis_costs.letkf, {**_OF_ANALYSES, "members": (4, 8, 16, 32)}, Size(members=8)
    ),
    "training": Part(analysis_costs.training_steps, {"points": GRID, "cases": (1, 2, 4, 8)}),
    "forecast": Part(forecast_costs.forecast, {"truncation": (21, 31), "members": (1, 2, 4)}),
    "store": Part(
        data_costs.store,
        {"points": (*GRID, 128), "members": MEMBERS, "observations": OBSERVATIONS},
        Size(members=4),
    ),
    "statistics": Part(data_costs.statistics, {"points": (*GRID, 128), "channels": CHANNELS}),
    "verification": Part(
        data_costs.verification,
        {"points": (*GRID, 128), "members": (4, 8, 16, 32)},
        Size(members=8),
    ),
    "checkpoint": Part(
        data_costs.checkpoint, {"parameters": (1_000_000, 4_000_000, 16_000_000, 64_000_000)}
    ),
    "template": Part(data_costs.template, {"times": (250, 500, 1000, 2000)}, Size(rows=4)),
    "correlation": Part(data_costs.correlation, {"points": (16, 32, 48), "channels": (3, 6, 13)}),
    "workers": Part(worker_costs.workers, {"workers": (1, 2)}),
}


def measure(part: Part, repeat: int, told: Callable[[object], None]) -> pd.DataFrame:
    """Cost of every program of a part at every size: a row a program, factor and value."""
    sizes = varied(part.base, part.values)
    each = dict.fromkeys(size for chosen in sizes.values() for size in chosen)
    costs = {}
    for size in each:
        costs[size] = part.measure(size, repeat)
        told(f"{size}: {dict(costs[size])}")
    return pd.DataFrame(list(_rows(sizes, costs)))


def _rows(
    sizes: Mapping[str, list[Size]], costs: Mapping[Size, Mapping[str, Cost]]
) -> Iterator[dict[str, object]]:
    for factor, chosen in sizes.items():
        for size in chosen:
            for program, cost in costs[size].items():
                value = size.measure(factor)
                yield {"program": program, "factor": factor, "value": value, **vars(cost)}
