"""How near the columns of a grid are to the observations of a cycle."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.atmosphere import Grid
from align_da.atmosphere.localisation import column_positions, gaspari_cohn, great_circle_distance
from align_da.constants import EARTH_RADIUS
from align_da.observations.batch import ObservationBatch

_FARTHEST = jnp.pi * EARTH_RADIUS


def nearness(observations: ObservationBatch, grid: Grid, reach: float) -> Float[Array, "lat lon"]:
    """1 up to so far from a used observation, 0 from twice that on, and smooth in between.

    The taper between is that of Gaspari and Cohn (1999), equation 4.10. Where no observation is
    used it is 0 everywhere. Memory grows with the number of observations times that of a row.

    Args:
        observations: of the cycle.
        grid: its columns.
        reach: metres.
    """
    columns = column_positions(grid.latitude, grid.longitude)
    latitude, longitude = (axis.reshape(grid.shape[:2]) for axis in columns)

    def of_row(row: tuple[Float[Array, " lon"], Float[Array, " lon"]]) -> Float[Array, " lon"]:
        apart = great_circle_distance(*row, observations.latitude, observations.longitude)
        nearest = jnp.where(observations.used, apart, _FARTHEST).min(axis=-1)
        return gaspari_cohn(jnp.maximum(nearest - reach, 0.0), reach / 2)

    found: Float[Array, "lat lon"] = jax.lax.map(of_row, (latitude, longitude))
    return found
