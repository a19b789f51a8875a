"""Observing networks: fixed positions off the grid points.

The radiosonde network is the real one: the 420 stations that reported on 2008-12-08 12 UTC (their
source and licence stand in `radiosonde_stations.csv`). The random networks are uniform in area.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import Literal

import jax
import numpy as np
from jaxtyping import Float, Int

from align_da.atmosphere import Grid
from align_da.errors import InputError


@dataclass(frozen=True)
class Network:
    """Stations at fixed positions.

    Invariants:
        1. Every array has shape (station,); station numbers are unique.

    Attributes:
        name: for tables and figures.
        kind: "column" stations report every level and the surface, "surface" stations the ground.
        station: number of the station.
        latitude: degrees north.
        longitude: degrees east, [0, 360).
        elevation: metres above sea level; NaN where it is not reported.
    """

    name: str
    kind: Literal["column", "surface"]
    station: Int[np.ndarray, " station"]
    latitude: Float[np.ndarray, " station"]
    longitude: Float[np.ndarray, " station"]
    elevation: Float[np.ndarray, " station"]

    def __post_init__(self) -> None:
        shapes = {
            array.shape for array in (self.station, self.latitude, self.longitude, self.elevation)
        }
        if shapes != {(np.unique(self.station).size,)}:
            message = f"expected one position for each of unique stations, got shapes {shapes}"
            raise InputError(message)


def radiosonde_network(grid: Grid, density: float, key: jax.Array) -> Network:
    """Real radiosonde stations, thinned at random where there are more than asked for.

    Args:
        grid: the grid that `density` refers to.
        density: stations a grid column, in (0, 1].
        key: of `Purpose.OBSERVATION_NETWORK`; chooses which stations remain.
    """
    table = _radiosonde_table()
    count = min(_station_count(grid, density), len(table))
    order = np.asarray(jax.random.permutation(key, len(table)))
    station, latitude, longitude, elevation = table[np.sort(order[:count])].T
    return Network(
        "radiosonde", "column", station.astype(np.int32), latitude, longitude, elevation
    )


def random_network(grid: Grid, density: float, key: jax.Array) -> Network:
    """Columns placed at random, uniformly over the grid: `density` times its columns."""
    return Network("random", "column", *_random_stations(grid, density, key))


def surface_network(grid: Grid, density: float, key: jax.Array) -> Network:
    """Surface stations placed at random, uniformly over the grid."""
    return Network("surface", "surface", *_random_stations(grid, density, key))


NETWORKS: dict[str, Callable[[Grid, float, jax.Array], Network]] = {
    "radiosonde": radiosonde_network,
    "random": random_network,
    "surface": surface_network,
}


def _station_count(grid: Grid, density: float) -> int:
    rows, columns = grid.shape
    return max(1, round(density * rows * columns))


def _random_stations(
    grid: Grid, density: float, key: jax.Array
) -> tuple[
    Int[np.ndarray, " station"],
    Float[np.ndarray, " station"],
    Float[np.ndarray, " station"],
    Float[np.ndarray, " station"],
]:
    """Number, latitude, longitude and (unreported) elevation of random stations.

    They lie on the sphere; on the circle of a single latitude; or in the box of a limited area.
    """
    count = _station_count(grid, density)
    up, along = np.asarray(jax.random.uniform(key, (2, count)), dtype=np.float64)
    rows, whole = grid.latitude, grid.periodic and len(grid.latitude) > 1
    lowest, highest = (-90.0, 90.0) if whole else (min(rows), max(rows))
    # Equal areas lie between equal steps of sin(latitude) (Archimedes).
    south, north = np.sin(np.deg2rad([lowest, highest]))
    latitude = np.rad2deg(np.arcsin(south + (north - south) * up)).clip(lowest, highest)
    west, east = (0.0, 360.0) if grid.periodic else (grid.longitude[0], grid.longitude[-1])
    longitude = (west + (east - west) * along) % 360
    return np.arange(count), latitude, longitude, np.full(count, np.nan)


def _radiosonde_table() -> Float[np.ndarray, "station 4"]:
    """Station, latitude, longitude and elevation as shipped with the package."""
    text = (resources.files(__package__) / "radiosonde_stations.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    rows = list(csv.reader(lines))[1:]
    return np.asarray([[float(cell or "nan") for cell in row] for row in rows])
