"""Change of spectral truncation, and the wind of a truncated vorticity and divergence.

A field of total wavenumber n up to N has a wind with n up to N + 1. Dinosaur clips that last
wavenumber by default (`clip=True`), after which the wind no longer belongs to the vorticity: the
round trip is wrong by several m/s near the poles. Without the clip it is exact to rounding, so
that a state written on the grid restarts as the state that it was.
"""

import jax.numpy as jnp
from dinosaur.spherical_harmonic import Grid as SphericalGrid
from dinosaur.spherical_harmonic import uv_nodal_to_vor_div_modal, vor_div_to_uv_nodal
from jaxtyping import Array, Float

Modal = Float[Array, "level order degree"]
Nodal = Float[Array, "level lon lat"]


def wind_from_vorticity_divergence(
    grid: SphericalGrid, vorticity: Modal, divergence: Modal
) -> tuple[Nodal, Nodal]:
    """Eastward and northward wind (m s-1) of coefficients of vorticity and divergence (s-1).

    Args:
        grid: a `dinosaur.spherical_harmonic.Grid`.
        vorticity: coefficients on `grid`.
        divergence: coefficients on `grid`.
    """
    u, v = vor_div_to_uv_nodal(grid, vorticity, divergence, clip=False)
    return u, v


def vorticity_divergence_from_wind(grid: SphericalGrid, u: Nodal, v: Nodal) -> tuple[Modal, Modal]:
    """Coefficients (s-1) of the truncated vorticity and divergence of a wind (m s-1).

    Args:
        grid: a `dinosaur.spherical_harmonic.Grid`.
        u: eastward wind on the nodes of `grid`.
        v: northward wind on the nodes of `grid`.
    """
    vorticity, divergence = uv_nodal_to_vor_div_modal(grid, u, v)
    return vorticity, divergence


def truncated(
    modal: Float[Array, "*level m l"], grid: SphericalGrid
) -> Float[Array, "*level order degree"]:
    """Coefficients cut, or padded with zeros, to the truncation of `grid`.

    The highest total wavenumber that dinosaur stores only serves derivatives and is set to zero.
    """
    orders, degrees = grid.modal_shape
    m = min(orders, modal.shape[-2])
    degree = min(degrees, modal.shape[-1]) - 1
    empty = jnp.zeros((*modal.shape[:-2], orders, degrees), modal.dtype)
    return empty.at[..., :m, :degree].set(modal[..., :m, :degree])
