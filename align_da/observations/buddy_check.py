"""The buddy check: whether its neighbours bear out an observation that is far from the background.

With z = (y − H x_b) / sqrt(R + H B Hᵀ), an observation is suspect where |z| > 2. Its buddies are
the used observations of the same variable and level at other stations, within 2000 km, that are
not suspect. With weights w that fall with the distance they expect of it

    ẑ = Σ w z / Σ w,    s² = (1 + Σ w (z − ẑ)²) / (1 + Σ w),

and it is flagged where |z − ẑ| > k s: the tolerance starts from the prescribed errors, for which
s = 1, and adapts to how much the neighbours vary. A suspect that is borne out becomes a buddy of
the others, and so on until nothing changes, so that a storm which the background lacks is accepted
from its edge inwards. Without three buddies nothing is decided, and the observation stays.

Every round decides about all suspects at once, and sums run over sorted observations: the order in
which the observations come does not change a bit. Only suspects look for neighbours, in NumPy,
because their number differs from cycle to cycle.

Source: Dee, Rukhovets, Todling, da Silva and Larson 2001, Q. J. R. Meteorol. Soc. 127, 2451-2471;
simplified in that ẑ is a weighted mean, and that the gross check of the background comes first.
"""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int
from scipy.spatial import KDTree

from align_da.atmosphere import Layout
from align_da.atmosphere.localisation import unit_vectors
from align_da.constants import EARTH_RADIUS
from align_da.observations.batch import Flag, ObservationBatch, Vertical
from align_da.observations.interpolation import vertical_place
from align_da.observations.quality_control import counts, flagged

_SUSPECT = 2.0  # expected departures
_RADIUS = 2.0e6  # metres
_LENGTH = 0.7e6  # metres, of the weights: about that of background errors in the troposphere
_SAME_LEVEL = 0.1  # of the logarithm of the level, or of an abstract index
_FEWEST = 3  # buddies


@dataclass(frozen=True)
class _Reports:
    """The observations of one variable, at levels or at the surface, that have passed so far.

    Attributes:
        departure: z, in units of what is expected.
        place: unit vector from the centre of the Earth.
        level: coordinate of the vertical interpolation, 0 at the surface.
        station: number of the station.
        used: whether it may be a buddy: what is withheld must not decide about the others.
    """

    departure: Float[np.ndarray, " report"]
    place: Float[np.ndarray, "report 3"]
    level: Float[np.ndarray, " report"]
    station: Int[np.ndarray, " report"]
    used: Bool[np.ndarray, " report"]


def check_buddies(
    batch: ObservationBatch,
    layout: Layout,
    equivalent: Float[Array, " observation"],
    variance: Float[Array, " observation"],
    threshold: float,
) -> ObservationBatch:
    """Flag buddy where a suspect departure is not borne out by those of its neighbours.

    Args:
        batch: concrete observations that have been through every other check.
        layout: layout of the state, for the vertical coordinate.
        equivalent: H(x_b), SI units.
        variance: H B H^T, the background error variance in observation space, units squared.
        threshold: k, dimensionless.
    """
    arrays = {name: np.asarray(array, np.float64) for name, array in vars(batch).items()}
    examined = np.asarray(counts(batch))
    expected = np.where(examined, arrays["error"] ** 2 + np.asarray(variance), 1.0)
    departure = np.where(examined, arrays["value"] - np.asarray(equivalent), 0.0)
    departure = departure / np.sqrt(expected)
    order = np.lexsort((departure, *arrays.values()))
    kind = np.stack([arrays["variable"], arrays["vertical"]], axis=1)
    unsupported = np.zeros(examined.size, bool)
    for variable, vertical in np.unique(kind[np.abs(departure) > _SUSPECT], axis=0):
        chosen = order[(examined & (kind == (variable, vertical)).all(axis=1))[order]]
        level = vertical_place(arrays["level"][chosen], layout.grid.vertical)
        reports = _Reports(
            departure[chosen],
            unit_vectors(arrays["latitude"][chosen], arrays["longitude"][chosen]),
            level * (vertical == Vertical.LEVEL),
            arrays["station"][chosen].astype(np.int64),
            arrays["flag"][chosen] == Flag.PASS,
        )
        unsupported[chosen] = _unsupported(reports, threshold)
    return flagged(batch, jnp.asarray(unsupported), Flag.BUDDY)


def _unsupported(reports: _Reports, threshold: float) -> Bool[np.ndarray, " report"]:
    """Which reports are suspect and contradicted by enough buddies."""
    z, suspects = reports.departure, np.flatnonzero(np.abs(reports.departure) > _SUSPECT)
    row, column, weight = _neighbours(reports, suspects)
    accepted = np.abs(z) <= _SUSPECT
    while True:
        of_buddies = weight * accepted[column]
        count = _sums(row, (of_buddies > 0).astype(np.float64), suspects.size)
        total = _sums(row, of_buddies, suspects.size)
        mean = _sums(row, of_buddies * z[column], suspects.size) / np.maximum(total, 1e-12)
        spread = _sums(row, of_buddies * (z[column] - mean[row]) ** 2, suspects.size)
        tolerance = threshold * np.sqrt((1 + spread) / (1 + total))
        borne_out = (count >= _FEWEST) & (np.abs(z[suspects] - mean) <= tolerance)
        if np.all(accepted[suspects] >= borne_out):
            break
        accepted[suspects] |= borne_out
    found = np.zeros(z.size, bool)
    found[suspects] = (count >= _FEWEST) & ~accepted[suspects]
    return found


def _neighbours(
    reports: _Reports, suspects: Int[np.ndarray, " suspect"]
) -> tuple[Int[np.ndarray, " pair"], Int[np.ndarray, " pair"], Float[np.ndarray, " pair"]]:
    """Pairs of a suspect (its place in `suspects`) and a possible buddy, with their weights."""
    near = KDTree(reports.place).query_ball_point(
        reports.place[suspects], _RADIUS / EARTH_RADIUS, return_sorted=True
    )
    row = np.repeat(np.arange(suspects.size), [len(around) for around in near])
    column = np.concatenate([np.asarray(around, dtype=np.int64) for around in near])
    own = suspects[row]
    buddies = reports.used[column] & (reports.station[column] != reports.station[own])
    buddies &= np.abs(reports.level[column] - reports.level[own]) < _SAME_LEVEL
    row, column, own = row[buddies], column[buddies], own[buddies]
    chord = np.linalg.norm(reports.place[column] - reports.place[own], axis=1) * EARTH_RADIUS
    return row, column, np.exp(-0.5 * (chord / _LENGTH) ** 2)


def _sums(
    row: Int[np.ndarray, " pair"], values: Float[np.ndarray, " pair"], rows: int
) -> Float[np.ndarray, " row"]:
    """Sums over the pairs of each row, in the order of the pairs."""
    # Of no pair at all NumPy gives integers.
    return np.bincount(row, weights=values, minlength=rows).astype(np.float64)
