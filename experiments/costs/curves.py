"""What is measured over which sizes, read again, and the power law y = a x^p of each cost."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import stats

from align_da.errors import InputError
from align_da.verification.cost import Cost
from experiments.costs import measured, workers
from experiments.costs.synthetic import Size, varied

CONFIDENCE = 0.95


@dataclass(frozen=True)
class PowerLaw:
    """A fitted power law.

    Attributes:
        factor: a.
        exponent: p.
        half_width: of the 95 % interval of p, from the scatter about the line (Student's t); NaN
            of two points, through which any line goes.
        last_exponent: p between the two largest sizes alone. Where it is larger than `exponent`
            the small sizes pay for something fixed, and the line must not be extended.
    """

    factor: float
    exponent: float
    half_width: float
    last_exponent: float

    def at(self, size: float) -> float:
        """The cost y of a size."""
        return float(self.factor * size**self.exponent)


def fit_power_law(
    sizes: Float[np.ndarray, " point"], costs: Float[np.ndarray, " point"]
) -> PowerLaw:
    """The power law through costs at sizes, least squares of logarithms.

    Args:
        sizes: positive, increasing.
        costs: positive.

    Raises:
        InputError: fewer than two points, or a number that has no logarithm.
    """
    whole = sizes.size > 1 and np.all(np.diff(sizes) > 0) and sizes[0] > 0 and np.all(costs > 0)
    if not whole:
        message = f"expected positive costs at two or more increasing sizes, got {sizes}, {costs}"
        raise InputError(message)
    x, y = np.log(sizes), np.log(costs)
    exponent, intercept = np.polyfit(x, y, 1)
    freedom = x.size - 2
    width = np.nan
    if freedom:
        variance = np.sum((y - intercept - exponent * x) ** 2) / freedom
        error = np.sqrt(variance / np.sum((x - x.mean()) ** 2))
        width = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * error)
    last = (y[-1] - y[-2]) / (x[-1] - x[-2])
    return PowerLaw(float(np.exp(intercept)), float(exponent), width, float(last))


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
    "jfps": Part(measured.jfps, {**_OF_ANALYSES, "members": MEMBERS[:3]}),
    "latent_three_d_var": Part(
        measured.latent_three_d_var, {**_OF_ANALYSES, "members": MEMBERS[::2]}
    ),
    "letkf": Part(measured.letkf, {**_OF_ANALYSES, "members": (4, 8, 16, 32)}, Size(members=8)),
    "training": Part(measured.training_steps, {"points": GRID, "cases": (1, 2, 4, 8)}),
    "forecast": Part(measured.forecast, {"truncation": (21, 31), "members": (1, 2, 4)}),
    "store": Part(
        measured.store,
        {"points": (*GRID, 128), "members": MEMBERS, "observations": OBSERVATIONS},
        Size(members=4),
    ),
    "statistics": Part(measured.statistics, {"points": (*GRID, 128), "channels": CHANNELS}),
    "verification": Part(
        measured.verification,
        {"points": (*GRID, 128), "members": (4, 8, 16, 32)},
        Size(members=8),
    ),
    "checkpoint": Part(
        measured.checkpoint, {"parameters": (1_000_000, 4_000_000, 16_000_000, 64_000_000)}
    ),
    "template": Part(measured.template, {"times": (250, 500, 1000, 2000)}, Size(rows=4)),
    "correlation": Part(measured.correlation, {"points": (16, 32, 48), "channels": (3, 6, 13)}),
    "workers": Part(workers.workers, {"workers": (1, 2)}),
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


UNITS = {"seconds": "s", "megabytes": "MB"}


@dataclass(frozen=True)
class Curve:
    """Cost of a program against one factor.

    Attributes:
        program: its name.
        factor: points, channels, observations, ...
        points: columns value, seconds, megabytes.
    """

    program: str
    factor: str
    points: pd.DataFrame

    def law(self, cost: str) -> PowerLaw | None:
        """Of "seconds" or "megabytes"; None where that was not seen at every size."""
        values = self.points[cost].to_numpy()
        seen = bool(np.all(values > 0)) and values.size > 1
        return fit_power_law(self.points["value"].to_numpy(), values) if seen else None

    def at(self, value: float, exponent: float = 1.0) -> float:
        """Seconds at a larger size, from the largest one measured and how the algorithm grows."""
        last = self.points.iloc[-1]
        return float(last["seconds"] * (value / last["value"]) ** exponent)


def read_curves(folder: Path) -> dict[tuple[str, str], Curve]:
    """All that has been measured, by program and factor."""
    files = [folder / f"{name}.csv" for name in PARTS]
    tables = [pd.read_csv(file) for file in files if file.exists()]
    groups = pd.concat(tables).groupby(["program", "factor"], sort=False)
    return {
        (str(program), str(factor)): Curve(
            str(program), str(factor), points.sort_values("value", kind="stable")
        )
        for (program, factor), points in groups
    }


def read_compression(folder: Path) -> float:
    """Bytes in memory over bytes on disk."""
    return float(pd.read_csv(folder / "compression.csv")["ratio"].iloc[0])
