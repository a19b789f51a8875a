"""Covariance localisation: places and distances on the sphere, and the Gaspari-Cohn taper."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.constants import EARTH_RADIUS


def column_positions(
    latitude: Sequence[float] | Float[np.ndarray, " row"],
    longitude: Sequence[float] | Float[np.ndarray, " meridian"],
) -> tuple[Float[Array, " column"], Float[Array, " column"]]:
    """Degrees north and east of every column of a grid with these axes, longitudes fastest."""
    north, east = np.meshgrid(np.asarray(latitude), np.asarray(longitude), indexing="ij")
    return jnp.asarray(north.ravel(), jnp.float32), jnp.asarray(east.ravel(), jnp.float32)


def unit_vectors(
    latitude: Float[np.ndarray, "*place"], longitude: Float[np.ndarray, "*place"]
) -> Float[np.ndarray, "*place 3"]:
    """From the centre of the Earth to places in degrees north and east, float64."""
    north, east = (np.deg2rad(np.asarray(axis, np.float64)) for axis in (latitude, longitude))
    across = np.cos(north)
    return np.stack([across * np.cos(east), across * np.sin(east), np.sin(north)], axis=-1)


def great_circle_distance(
    latitude_a: Float[Array, " a"],
    longitude_a: Float[Array, " a"],
    latitude_b: Float[Array, " b"],
    longitude_b: Float[Array, " b"],
) -> Float[Array, "a b"]:
    """Distance in metres between every point of a and every point of b (degrees north, east).

    By the haversine formula, which keeps short distances exact in float32.
    """
    phi_a, lambda_a = jnp.deg2rad(latitude_a)[:, None], jnp.deg2rad(longitude_a)[:, None]
    phi_b, lambda_b = jnp.deg2rad(latitude_b)[None, :], jnp.deg2rad(longitude_b)[None, :]
    haversine = (
        jnp.sin((phi_a - phi_b) / 2) ** 2
        + jnp.cos(phi_a) * jnp.cos(phi_b) * jnp.sin((lambda_a - lambda_b) / 2) ** 2
    )
    return 2 * EARTH_RADIUS * jnp.arcsin(jnp.sqrt(jnp.clip(haversine, 0.0, 1.0)))


def gaspari_cohn(
    distance: Float[Array, "*shape"], radius: float | Float[Array, ""]
) -> Float[Array, "*shape"]:
    """Taper of Gaspari and Cohn (1999), equation 4.10: 1 at distance 0, 0 from 2 `radius` on.

    Args:
        distance: metres.
        radius: half width of the support, metres.
    """
    taper: Float[Array, "*shape"] = _taper(distance / radius)
    return taper


@jax.jit
def _taper(r: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """At distances in half widths; eagerly it would be two dozen operations."""
    inner = 1 + r**2 * (-5 / 3 + r * (5 / 8 + r * (1 / 2 - r / 4)))
    outer_r = jnp.clip(r, 1.0, 2.0)
    outer = (
        4
        - 5 * outer_r
        + outer_r**2 * (5 / 3 + outer_r * (5 / 8 + outer_r * (-1 / 2 + outer_r / 12)))
        - 2 / (3 * outer_r)
    )
    # At r = 2 the polynomial is a rounding error away from zero.
    return jnp.where(r <= 1, inner, jnp.where(r < 2, jnp.maximum(outer, 0.0), 0.0))
