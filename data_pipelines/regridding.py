"""First-order conservative regridding between grids of latitudes and longitudes.

One sparse matrix an axis, as in WeatherBench 2 (weatherbench2/regridding.py); their weights are
those of `align_da.atmosphere.overlap`.

xarray-regrid, which would do the same, weights parts of a cell as if the cosine of the latitude
were constant in it, and leaves targets beyond the last latitude of the source empty.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.sparse import csr_array

from align_da.atmosphere import Grid
from align_da.atmosphere.overlap import latitude_shares, longitude_shares
from align_da.config.era5 import GridName


@dataclass(frozen=True)
class ConservativeRegridding:
    """From one grid to another with the same levels.

    Attributes:
        latitude: share of each source row in each target row, [target, source], rows sum to 1.
        longitude: likewise for columns.
    """

    latitude: csr_array
    longitude: csr_array

    def __call__(
        self, values: Float[np.ndarray, "*batch lat lon channel"]
    ) -> Float[np.ndarray, "*batch target_lat target_lon channel"]:
        """Fields on the target grid, same unit and precision."""
        return _along(self.longitude, _along(self.latitude, values, -3), -2)


def conservative_regridding(source: Grid, target: Grid) -> ConservativeRegridding:
    """The regridding from `source` to `target`."""
    return ConservativeRegridding(
        csr_array(latitude_shares(source, target)), csr_array(longitude_shares(source, target))
    )


def named_grid(name: GridName, source: Grid) -> Grid:
    """The grid called `name` with the levels of `source`."""
    if name == "source":
        return source
    latitudes, longitudes = _GRIDS[name]()
    return Grid(tuple(latitudes.tolist()), tuple(longitudes.tolist()), source.vertical)


def _between_poles(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Equal steps; the outer rows lie half a step from the poles."""
    step = 180.0 / rows
    return -90 + step * (np.arange(rows) + 0.5), 360.0 / columns * np.arange(columns)


def _with_poles(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Equal steps; the outer rows are the poles."""
    return np.linspace(-90, 90, rows), 360.0 / columns * np.arange(columns)


_GRIDS: dict[GridName, Callable[[], tuple[np.ndarray, np.ndarray]]] = {
    "64x32": lambda: _between_poles(32, 64),
    "240x121": lambda: _with_poles(121, 240),
    "128x256": lambda: _between_poles(128, 256),
}


def _along(weights: csr_array, values: np.ndarray, axis: int) -> np.ndarray:
    """The weighted sums along one axis, in the precision of `values`."""
    first = np.moveaxis(values, axis, 0)
    summed = weights.astype(values.dtype) @ first.reshape(first.shape[0], -1)
    return np.moveaxis(summed.reshape(-1, *first.shape[1:]), 0, axis)
