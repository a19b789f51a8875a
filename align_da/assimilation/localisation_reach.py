"""What a localisation lets columns see, told where it does nothing or leaves nothing.

A taper ends at twice its radius. One so wide that every column sees all observations is hardly a
localisation; where it is so narrow that a column sees none, the analysis of that column is its
background.
"""

from collections.abc import Iterator

import jax.numpy as jnp
import numpy as np
from scipy.spatial import KDTree

from align_da.assimilation.letkf import LETKF
from align_da.atmosphere import Grid
from align_da.atmosphere.localisation import column_positions, gaspari_cohn, unit_vectors
from align_da.constants import EARTH_RADIUS
from align_da.observations.batch import ObservationBatch


def told_of_reach(method: LETKF, observations: ObservationBatch, grid: Grid) -> Iterator[str]:
    """A line where the horizontal localisation does nothing, or where columns see nothing.

    Args:
        method: the filter.
        observations: concrete ones of a window; without any there is nothing to tell.
        grid: of the states.
    """
    radius, used = method.localisation.radius, np.asarray(observations.used)
    if radius is None or not used.any():
        return
    of_grid = column_positions(grid.latitude, grid.longitude)
    columns = unit_vectors(*(np.asarray(axis) for axis in of_grid))
    of_batch = observations.latitude, observations.longitude
    places = unit_vectors(*(np.asarray(axis)[used] for axis in of_batch))
    nearest = _metres(KDTree(places).query(columns)[0])
    # The farthest observation is the one nearest to the antipode.
    farthest = np.pi * EARTH_RADIUS - _metres(KDTree(places).query(-columns)[0])
    if farthest.max() < 2 * radius:
        taper = float(gaspari_cohn(jnp.float32(farthest.max()), radius))
        yield (
            f"letkf.radius_km = {radius / 1e3:g}: every column sees every observation, the "
            f"farthest with a weight of {taper:.2f}: a localisation as wide as that does little, "
            "choose a shorter one unless the ensemble is large"
        )
    blind = nearest >= 2 * radius
    if blind.any():
        grows = method.inflation > 1 and method.inflated == "everywhere"
        inflated = (
            ", whose spread is inflated all the same (letkf.inflated = 'observed' leaves it)"
            if grows
            else ""
        )
        yield (
            f"letkf.radius_km = {radius / 1e3:g}: no observation is within twice that of "
            f"{blind.mean():.1%} of the columns, the farthest is {nearest.max() / 1e3:.0f} km "
            f"away: their analysis is their background{inflated}"
        )


def _metres(chord: np.ndarray) -> np.ndarray:
    """Great-circle distances of chords of the unit sphere."""
    return np.asarray(2 * EARTH_RADIUS * np.arcsin(np.clip(chord / 2, 0.0, 1.0)))
