"""Horizontal grid and vertical coordinate."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Float

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


@dataclass(frozen=True)
class Grid:
    """Latitude-longitude grid with a vertical coordinate.

    Invariants:
        1. `latitude` (degrees north) increases strictly from south to north, within [-90, 90].
        2. `longitude` (degrees east) increases strictly, starts in [0, 360) and is equally spaced
           over the whole circle, so that the last point is the western neighbour of the first.

    Attributes:
        latitude: degrees north.
        longitude: degrees east.
        vertical: the vertical coordinate.
    """

    latitude: tuple[float, ...]
    longitude: tuple[float, ...]
    vertical: VerticalCoordinate

    def __post_init__(self) -> None:
        latitude, longitude = np.asarray(self.latitude), np.asarray(self.longitude)
        if not (np.all(np.diff(latitude) > 0) and np.all(np.abs(latitude) <= 90)):
            message = (
                "latitude must increase from south to north within [-90, 90], "
                f"got {latitude[:3]} ... {latitude[-3:]}: flip the latitude axis of the input"
            )
            raise InputError(message)
        spacing = 360.0 / longitude.size
        expected = longitude[0] + spacing * np.arange(longitude.size)
        aligned = np.all(np.abs(longitude - expected) <= 1e-3 * spacing)
        if not (0 <= longitude[0] < 360 and aligned):
            message = (
                "longitude must be equally spaced over the whole circle from a start in [0, 360), "
                f"got {longitude[:3]} ... {longitude[-3:]}: bring the input to 0..360"
            )
            raise InputError(message)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of latitudes and longitudes."""
        return len(self.latitude), len(self.longitude)

    @property
    def level_count(self) -> int:
        """Number of levels."""
        return len(self.vertical.levels)

    @cached_property
    def latitude_edges(self) -> Float[np.ndarray, " edge"]:
        """Bounds of the cells, degrees north: half way between latitudes, and the poles."""
        latitude = np.asarray(self.latitude)
        return np.concatenate([[-90.0], (latitude[1:] + latitude[:-1]) / 2, [90.0]])

    @cached_property
    def area_weights(self) -> Float[np.ndarray, "lat lon"]:
        """Share of each cell in the area of the sphere (dimensionless, sum 1).

        Cells are bounded half way between latitudes and by the poles: weight = sin(upper) -
        sin(lower), as in WeatherBench 2.
        """
        by_latitude = np.diff(np.sin(np.deg2rad(self.latitude_edges)))
        weights = np.repeat(by_latitude[:, None], len(self.longitude), axis=1)
        return np.asarray(weights / weights.sum())
