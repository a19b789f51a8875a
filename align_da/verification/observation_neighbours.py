"""The neighbours of a station: what other observations pull at within the reach of a localisation.

An innovation of the other sign near by is the common reason why an analysis hardly moves towards
an observation.
"""

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from align_da.assimilation.letkf import Localisation
from align_da.atmosphere import Grid
from align_da.atmosphere.localisation import column_positions, gaspari_cohn, unit_vectors
from align_da.constants import EARTH_RADIUS
from align_da.observations.interpolation import observed_places
from align_da.verification.observation_worth import ObservedCycle

COLUMNS = (
    "observation",
    "station",
    "distance_km",
    "level",
    "taper",
    "innovation",
    "opposite",
)
_MOST = 8  # stations


def neighbours_of(
    cycle: ObservedCycle, rows: Bool[np.ndarray, " observation"], localisation: Localisation
) -> pd.DataFrame:
    """The neighbours of observations: used ones of the same variable at other stations.

    Args:
        cycle: the observations of a cycle.
        rows: those of one station.
        localisation: of the method.

    Returns:
        For each observation (its place in the batch, `observation`) at most eight rows, one a
        station, nearest first: that observation of the station whose level is nearest, its
        innovation in SI units, and whether it has the opposite sign.
    """
    found = [_of_one(cycle, int(place), localisation) for place in np.flatnonzero(rows)]
    whole = [table for table in found if len(table)]
    if not whole:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(whole, ignore_index=True)


def nearest_column(latitude: float, longitude: float, grid: Grid) -> float:
    """Metres from a place, degrees north and east, to the nearest column of a grid."""
    north, east = (np.asarray(axis) for axis in column_positions(grid.latitude, grid.longitude))
    return float(distances((latitude, longitude), north, east).min())


def distances(
    place: tuple[float, float],
    latitude: Float[np.ndarray, " place"],
    longitude: Float[np.ndarray, " place"],
) -> Float[np.ndarray, " place"]:
    """Great-circle distances in metres from one place, degrees north and east, to others."""
    here = unit_vectors(np.asarray(place[0]), np.asarray(place[1]))
    chord = np.linalg.norm(unit_vectors(latitude, longitude) - here, axis=-1)
    return np.asarray(2 * EARTH_RADIUS * np.arcsin(np.clip(chord / 2, 0.0, 1.0)))


def _of_one(cycle: ObservedCycle, place: int, localisation: Localisation) -> pd.DataFrame:
    """The neighbours of one observation."""
    batch, innovation = cycle.batch, cycle.innovation
    station, variable = np.asarray(batch.station), np.asarray(batch.variable)
    candidates = np.asarray(batch.used) & (station != station[place])
    other = np.flatnonzero(candidates & (variable == variable[place]))
    latitude, longitude = np.asarray(batch.latitude), np.asarray(batch.longitude)
    apart = distances(
        (float(latitude[place]), float(longitude[place])), latitude[other], longitude[other]
    )
    heights = observed_places(batch, cycle.layout.grid.vertical)
    taper = _taper(apart, localisation.radius)
    taper = taper * _taper(np.abs(heights[other] - heights[place]), localisation.depth)
    table = pd.DataFrame(
        {
            "observation": place,
            "station": station[other],
            "distance_km": apart / 1e3,
            "level": np.asarray(batch.level, np.float64)[other],
            "taper": taper,
            "innovation": innovation[other],
            "opposite": innovation[other] * innovation[place] < 0,
            "above": np.abs(heights[other] - heights[place]),
        }
    )
    within = table[table["taper"] > 0].sort_values(["above", "distance_km"], kind="stable")
    best = within.drop_duplicates("station").sort_values("distance_km", kind="stable")
    return best[list(COLUMNS)].head(_MOST)


def _taper(distance: Float[np.ndarray, " place"], width: float | None) -> np.ndarray:
    """The taper at these distances, 1 without a width."""
    if width is None:
        return np.ones_like(distance)
    return np.asarray(gaspari_cohn(jnp.asarray(distance, jnp.float32), width), np.float64)
