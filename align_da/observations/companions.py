"""Observations that belong together: components of one wind, and copies that are not exact.

A station that is wrong in one component of the wind is wrong in both: half a wind turns it. Copies
come from two centres or formats, with positions to hundredths of a degree, times to a minute and
pressures to what a unit has digits for; taken twice, a report weighs twice.
"""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import KDTree

from align_da.atmosphere import Layout
from align_da.observations.batch import Flag, ObservationBatch, Vertical
from align_da.observations.quality_control import counts, flagged

WINDS = (
    ("u_component_of_wind", "v_component_of_wind"),
    ("10m_u_component_of_wind", "10m_v_component_of_wind"),
)
_PLACE = ("station", "vertical", "latitude", "longitude", "level", "time")
_ONE_OF_MANY = (Flag.THINNED, Flag.SUPEROB, Flag.DUPLICATE)  # says nothing about the wind
_KEPT_BY = (
    "time",
    "longitude",
    "latitude",
    "station",
    "value",
    "error",
    "flag",
)  # the last counts most
_DEGREES = 0.011  # what hundredths of a degree leave open, and float32
_SECONDS = 59.5  # a minute that was cut off
_LEVELS = 2e-4  # relative: less than between levels of a sounding of every two seconds


def check_winds(batch: ObservationBatch, layout: Layout) -> ObservationBatch:
    """Flag the other component of a wind, one component of which is rejected, with its flag."""
    variable, flag = np.asarray(batch.variable), np.asarray(batch.flag)
    names = list(layout.variables)
    for pair in WINDS:
        indices = [names.index(name) for name in pair if name in names]
        own = np.flatnonzero(np.isin(variable, indices))
        keys = np.stack([np.asarray(getattr(batch, name), np.float64)[own] for name in _PLACE], 1)
        if own.size:
            flag = flag.copy()
            flag[own] = _flags_of_place(keys, flag[own])
    return replace(batch, flag=jnp.asarray(flag))


def _flags_of_place(
    place: Float[np.ndarray, "own key"], flag: Int[np.ndarray, " own"]
) -> Int[np.ndarray, " own"]:
    """The flags, with the smallest of those rejected at a place and time on those that passed."""
    passed = np.isin(flag, (Flag.PASS, Flag.PASSIVE))
    rejected = ~passed & ~np.isin(flag, _ONE_OF_MANY)
    _, number = np.unique(place, axis=0, return_inverse=True)
    number = number.ravel()
    worst = np.full(number.max() + 1, np.iinfo(np.int32).max)
    np.minimum.at(worst, number[rejected], flag[rejected])
    taken = passed & np.isin(number, number[rejected])
    return np.where(taken, worst[number], flag).astype(np.int32)


def check_copies(batch: ObservationBatch) -> ObservationBatch:
    """Flag duplicate what is all but at the place and time of another of its variable.

    As among exact copies, the one kept has the smallest error, then the smallest value, then the
    smallest station number.
    """
    examined = np.asarray(counts(batch))
    arrays = {name: np.asarray(array, np.float64) for name, array in vars(batch).items()}
    order = np.lexsort([arrays[name] for name in _KEPT_BY])
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    copy = np.zeros(examined.size, bool)
    kinds = 2 * np.asarray(batch.variable) + np.asarray(batch.vertical)
    for kind in np.unique(kinds[examined]):
        own = np.flatnonzero(examined & (kinds == kind))
        pairs = own[KDTree(_places(arrays, own)).query_pairs(1.0, np.inf, output_type="ndarray")]
        first, second = pairs[:, 0], pairs[:, 1]
        copy[np.where(rank[first] > rank[second], first, second)] = True
    return flagged(batch, jnp.asarray(copy), Flag.DUPLICATE)


def _places(
    arrays: dict[str, np.ndarray], own: Int[np.ndarray, " own"]
) -> Float[np.ndarray, "own 5"]:
    """Places and times in units of what copies may differ by."""
    north, east = (np.deg2rad(arrays[name][own]) for name in ("latitude", "longitude"))
    on_levels = arrays["vertical"][own] == Vertical.LEVEL
    level = np.where(on_levels & (arrays["level"][own] > 0), arrays["level"][own], 1.0)
    sphere = np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)])
    rest = np.stack([np.log(level) / _LEVELS, arrays["time"][own] / _SECONDS])
    return np.concatenate([sphere / np.deg2rad(_DEGREES), rest]).T
