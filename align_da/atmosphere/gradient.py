"""Horizontal gradient on the sphere: centred differences of second order.

    df/dx = 1 / (a cos(lat)) df/dlon,   df/dy = 1/a df/dlat

Longitude is periodic. Latitudes may be unequally spaced (Gaussian grid); the first and the last
row take one-sided differences of second order; a row on a pole has no eastward derivative (zero).
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.atmosphere.grid import Grid
from align_da.constants import EARTH_RADIUS


def horizontal_gradient(
    field: Float[Array, "*batch lat lon level"], grid: Grid
) -> tuple[Float[Array, "*batch lat lon level"], Float[Array, "*batch lat lon level"]]:
    """Eastward and northward derivative of a scalar, its unit divided by m.

    Args:
        field: a scalar field on `grid`, which has at least three latitudes.
        grid: the horizontal grid.
    """
    grid.check_closed("horizontal derivatives")
    latitude = np.deg2rad(grid.latitude)
    spacing = 2 * np.pi / len(grid.longitude)
    cosine = np.cos(latitude)
    inverse = np.divide(1.0, cosine, out=np.zeros_like(cosine), where=cosine > 1e-6)
    zonal_factor = jnp.asarray((inverse / (2 * spacing * EARTH_RADIUS))[:, None, None])
    eastward = (jnp.roll(field, -1, axis=-2) - jnp.roll(field, 1, axis=-2)) * zonal_factor
    # Column j of this matrix is the derivative of a field that is 1 at latitude j and 0 elsewhere.
    matrix = np.asarray(np.gradient(np.eye(latitude.size), latitude, axis=0, edge_order=2))
    northward = jnp.einsum("ij,...jkl->...ikl", jnp.asarray(matrix / EARTH_RADIUS), field)
    return eastward, northward
