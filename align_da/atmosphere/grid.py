"""Horizontal grid and vertical coordinate: of the whole sphere, a line or a limited area."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeVar

import numpy as np
from jaxtyping import Array, Float

from align_da.constants import EARTH_RADIUS
from align_da.errors import InputError


@dataclass(frozen=True)
class VerticalCoordinate:
    """Levels of the state, from the top of the atmosphere downwards.

    Invariants:
        1. `levels` increase strictly (top first, ground last) and are positive.
        2. sigma levels (pressure / surface pressure) do not exceed 1.

    Attributes:
        kind: "sigma" (dimensionless), "pressure" (Pa) or "index" (an abstract system).
        levels: values of the coordinate.
    """

    kind: Literal["sigma", "pressure", "index"]
    levels: tuple[float, ...]

    def __post_init__(self) -> None:
        levels = np.asarray(self.levels)
        if levels.size == 0 or not (np.all(levels > 0) and np.all(np.diff(levels) > 0)):
            message = f"levels must be positive and increase from the top down, got {self.levels}"
            raise InputError(message)
        if self.kind == "sigma" and levels[-1] > 1:
            message = f"sigma levels must not exceed 1, got {self.levels}"
            raise InputError(message)

    def __repr__(self) -> str:
        ends = f"{self.levels[0]:g} to {self.levels[-1]:g}"
        return f"<{len(self.levels)} {self.kind} levels, {ends}>"


Degrees = TypeVar("Degrees", np.ndarray, Array)


@dataclass(frozen=True)
class Grid:
    """Latitude-longitude grid with a vertical coordinate.

    Invariants:
        1. `latitude` (degrees north) increases strictly from south to north, within [-90, 90].
        2. `longitude` (degrees east) increases strictly, starts in [0, 360) and is equally spaced:
           over the whole circle, so that the last point is the western neighbour of the first, or
           over a part of it where the grid is not periodic.

    Attributes:
        latitude: degrees north.
        longitude: degrees east.
        vertical: the vertical coordinate.
        periodic: whether longitudes close the circle; False is a limited area, which ends with its
            outermost points.
    """

    latitude: tuple[float, ...]
    longitude: tuple[float, ...]
    vertical: VerticalCoordinate
    periodic: bool = True

    def __post_init__(self) -> None:
        latitude, longitude = np.asarray(self.latitude), np.asarray(self.longitude)
        if not (np.all(np.diff(latitude) > 0) and np.all(np.abs(latitude) <= 90)):
            message = (
                "latitude must increase from south to north within [-90, 90], "
                f"got {latitude[:3]} ... {latitude[-3:]}: flip the latitude axis of the input"
            )
            raise InputError(message)
        if not (0 <= longitude[0] < 360 and self._equally_spaced(longitude)):
            extent = "the whole circle" if self.periodic else "less than the circle"
            message = (
                f"longitude must be equally spaced over {extent} from a start in [0, 360), "
                f"got {longitude[:3]} ... {longitude[-3:]}: bring the input to 0..360"
            )
            raise InputError(message)

    def _equally_spaced(self, longitude: Float[np.ndarray, " lon"]) -> bool:
        """Whether longitudes keep their invariant."""
        if not self.periodic and longitude.size < 2:
            return False
        step = self.longitude_step
        apart = np.abs(longitude - longitude[0] - step * np.arange(longitude.size))
        ends = self.periodic or 0 < step < 360.0 - (longitude[-1] - longitude[0])
        return bool(ends and np.all(apart <= 1e-3 * step))

    def __repr__(self) -> str:
        rows, columns = self.shape
        south, north = self.latitude[0], self.latitude[-1]
        if self.periodic:
            where = "a circle" if rows == 1 else f"latitudes {south:g} to {north:g}"
        else:
            west, east = self.longitude[0], self.longitude[-1]
            where = f"latitudes {south:g} to {north:g}, longitudes {west:g} to {east:g}"
        return f"<Grid {rows} x {columns}, {where}, {self.vertical!r}>"

    @property
    def shape(self) -> tuple[int, int]:
        """Number of latitudes and longitudes."""
        return len(self.latitude), len(self.longitude)

    @property
    def level_count(self) -> int:
        """Number of levels."""
        return len(self.vertical.levels)

    @property
    def is_row(self) -> bool:
        """Whether all its points lie on one row: a ring or a line, and no part of a sphere."""
        return len(self.latitude) == 1

    @property
    def longitude_step(self) -> float:
        """Degrees between neighbours on a row."""
        count = len(self.longitude)
        if self.periodic:
            return 360.0 / count
        return (self.longitude[-1] - self.longitude[0]) / (count - 1)

    @property
    def spacing(self) -> float:
        """Metres between neighbours on the row nearest to the equator."""
        nearest = np.deg2rad(np.min(np.abs(self.latitude)))
        return float(EARTH_RADIUS * np.deg2rad(self.longitude_step) * np.cos(nearest))

    @cached_property
    def latitude_edges(self) -> Float[np.ndarray, " edge"]:
        """Bounds of the cells, degrees north: half way between latitudes, and the poles.

        A limited area ends half a spacing beyond its outermost rows.
        """
        latitude = np.asarray(self.latitude)
        between = (latitude[1:] + latitude[:-1]) / 2
        ends = np.asarray([-90.0, 90.0])
        if not self.periodic and latitude.size > 1:
            beyond = latitude[[0, -1]] + (latitude[[0, -1]] - between[[0, -1]])
            ends = np.clip(beyond, -90.0, 90.0)
        return np.concatenate([ends[:1], between, ends[1:]])

    @cached_property
    def area_weights(self) -> Float[np.ndarray, "lat lon"]:
        """Share of each cell in the area of the grid (dimensionless, sum 1).

        Cells are bounded by `latitude_edges`: weight = sin(upper) -
        sin(lower), as in WeatherBench 2.
        """
        by_latitude = np.diff(np.sin(np.deg2rad(self.latitude_edges)))
        weights = np.repeat(by_latitude[:, None], len(self.longitude), axis=1)
        return np.asarray(weights / weights.sum())

    def degrees_east(self, longitude: Degrees) -> Degrees:
        """Degrees east of the first longitude; of a limited area, less than 0 to its west."""
        beyond = 360.0 if self.periodic else (360.0 + self.longitude[-1] - self.longitude[0]) / 2
        lowest = beyond - 360.0
        return (longitude - self.longitude[0] - lowest) % 360.0 + lowest

    def check_closed(self, what: str) -> None:
        """Refuse a limited area where `what` needs whole circles of latitude.

        Raises:
            InputError: the grid is a limited area.
        """
        if not self.periodic:
            message = f"{what}: expected a grid of whole circles of latitude, got {self!r}"
            raise InputError(message)
