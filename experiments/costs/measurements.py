"""What has been measured, read again: laws of cost, and the largest point of each."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.costs.parts import PARTS
from experiments.costs.power_law import PowerLaw, fit_power_law

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
