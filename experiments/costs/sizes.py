"""The sizes at which cost is measured: one factor at a time, from a base."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from align_da.atmosphere import Layout
from experiments.costs.synthetic import LEVELS_HPA, layout_of


@dataclass(frozen=True)
class Size:
    """What the cost of a program may depend on; a program ignores what it does not know.

    Attributes:
        rows: latitudes of the grid; there are twice as many longitudes.
        levels: of five variables, beside four at the surface.
        observations: of an analysis, about (whole columns report).
        members: of an ensemble.
        cases: of a batch in training.
        parameters: of a network.
        times: of a store.
        truncation: of the embedded model.
        workers: processes of dask.
    """

    rows: int = 32
    levels: int = len(LEVELS_HPA)
    observations: int = 4096
    members: int = 1
    cases: int = 4
    parameters: int = 1_000_000
    times: int = 1000
    truncation: int = 21
    workers: int = 1

    @property
    def layout(self) -> Layout:
        """The states of this size."""
        return layout_of(self.rows, 2 * self.rows, LEVELS_HPA[: self.levels])

    def measure(self, factor: str) -> float:
        """A factor as cost is set against it: points of the grid, channels, others themselves."""
        rows, columns, channels = self.layout.shape
        known = {"points": rows * columns, "channels": channels}
        return float(known[factor] if factor in known else getattr(self, factor))


FIELDS = {"points": "rows", "channels": "levels"}
"""The field of `Size` that changes a factor, where they are not the same."""


def varied(base: Size, values: Mapping[str, tuple[int, ...]]) -> dict[str, list[Size]]:
    """By factor, the base with other values of the field behind it."""
    return {
        factor: [replace(base, **{FIELDS.get(factor, factor): value}) for value in chosen]
        for factor, chosen in values.items()
    }
