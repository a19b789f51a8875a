"""Geopotential of a state.

On pressure levels it is a variable of the state. On sigma levels it follows from hydrostatic
balance with the discretisation of the embedded dynamical core (Durran, Numerical Methods for
Fluid Dynamics, section 8.6.5; `dinosaur.primitive_equations`), from the ground up:

    Phi_K = Phi_s + R_d Tv_K ln(1 / sigma_K)
    Phi_k = Phi_k+1 + R_d (Tv_k + Tv_k+1) / 2 · ln(sigma_k+1 / sigma_k)

with the virtual temperature Tv = T (1 + (1/0.622 − 1) q). Surface pressure does not enter.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.atmosphere.grid import VerticalCoordinate
from align_da.atmosphere.state import State
from align_da.constants import DRY_AIR_GAS_CONSTANT, VAPOUR_TO_DRY_GAS_RATIO
from align_da.errors import InputError


def virtual_temperature(state: State) -> Float[Array, "*batch lat lon level"]:
    """Virtual temperature in K; the temperature itself where the state holds no humidity."""
    if "specific_humidity" not in state.layout.variables:
        return state["temperature"]
    return moist_virtual_temperature(state["temperature"], state["specific_humidity"])


def moist_virtual_temperature(
    temperature: Float[Array, "*shape"], specific_humidity: Float[Array, "*shape"]
) -> Float[Array, "*shape"]:
    """Virtual temperature of moist air, K.

    Args:
        temperature: K.
        specific_humidity: kg kg-1.
    """
    lightness = 1 / VAPOUR_TO_DRY_GAS_RATIO - 1
    return temperature * (1 + lightness * specific_humidity)


def geopotential(
    state: State, surface_geopotential: Float[Array, "lat lon"]
) -> Float[Array, "*batch lat lon level"]:
    """Geopotential on the levels of the state, m2 s-2.

    Args:
        state: one or more states in SI units.
        surface_geopotential: m2 s-2; used on sigma levels only.

    Raises:
        InputError: a state on other levels that does not hold geopotential.
    """
    if "geopotential" in state.layout.variables:
        return state["geopotential"]
    vertical = state.layout.grid.vertical
    if vertical.kind != "sigma":
        message = (
            "expected geopotential among the variables or a state on sigma levels, got "
            f"{', '.join(state.layout.variables)} on {vertical.kind} levels"
        )
        raise InputError(message)
    return geopotential_on_sigma_levels(virtual_temperature(state), surface_geopotential, vertical)


def geopotential_on_sigma_levels(
    temperature: Float[Array, "*batch lat lon level"],
    surface_geopotential: Float[Array, "lat lon"],
    vertical: VerticalCoordinate,
) -> Float[Array, "*batch lat lon level"]:
    """Geopotential in hydrostatic balance, m2 s-2.

    Args:
        temperature: virtual temperature, K.
        surface_geopotential: m2 s-2.
        vertical: sigma levels.
    """
    thickness = hydrostatic_thickness(temperature, vertical)
    # The sum over all layers below each level: a cumulative sum from the ground.
    height = jnp.cumsum(thickness[..., ::-1], axis=-1)[..., ::-1]
    return surface_geopotential[..., None] + height


def hydrostatic_thickness(
    temperature: Float[Array, "*batch lat lon level"], vertical: VerticalCoordinate
) -> Float[Array, "*batch lat lon level"]:
    """Geopotential thickness from each sigma level to the next lower one, and to the ground.

    Args:
        temperature: virtual temperature, K.
        vertical: sigma levels.

    Returns:
        R_d Tv Δln(sigma) by the trapezoidal rule, m2 s-2; the last is that of the lowest half
        layer with the temperature of the lowest level.
    """
    ratio = np.diff(np.log([*vertical.levels, 1.0]))
    lower = jnp.concatenate([temperature[..., 1:], temperature[..., -1:]], axis=-1)
    return DRY_AIR_GAS_CONSTANT * (temperature + lower) / 2 * ratio
