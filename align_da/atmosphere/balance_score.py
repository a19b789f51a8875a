"""How near the balance of a state is to that of the truth, in the truth's own variability.

Four measures of a state over the extratropical troposphere, with V the wind, V_g the geostrophic
one, δ divergence and ζ vorticity, <·> means by area and equal for the levels of the region:

    imbalance    √(<|V − V_g|²> / <|V|²>), the size of the ageostrophic wind
    strength     <V · V_g> / <|V_g|²>, 5 % less with winds that are 5 % too weak
    divergence   √(<δ²> / <ζ²>)
    tendency     √<(∂p_s/∂t)²> by the divergence of mass, ∂p_s/∂t = −∫ ∇·(V dp), Pa/s

(Holton and Hakim, An Introduction to Dynamic Meteorology; the tendency of surface pressure as a
measure of noise: Lynch and Huang 1992, Mon. Wea. Rev. 120, 1019-1034). The truth is in no exact
balance, and its measures m vary from date to date with a standard deviation s. A state is

    z_k = (m_k(x) − m_k(x_truth)) / s_k

away from the truth of its date, and scores the mean of 1 / (1 + |z_k|) over the four measures,
which tells states apart near the truth and far from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.atmosphere.balance import (
    EXTRATROPICAL_TROPOSPHERE,
    STANDARD_PRESSURE,
    BalanceRegion,
    above_ground,
    geostrophic_wind,
)
from align_da.atmosphere.gradient import horizontal_gradient
from align_da.atmosphere.grid import Grid
from align_da.atmosphere.pressure import depth_of_layers
from align_da.atmosphere.state import State
from align_da.constants import EARTH_RADIUS
from align_da.errors import InputError

_LEAST = 1e-3
_CALM = 1e-6  # SI units; below it ratios and roots stay finite, and so do their derivatives
Field = Float[Array, "*batch lat lon level"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class BalanceMeasures:
    """One value a state, or how it varies, or departures; see the equations above.

    Attributes:
        imbalance: dimensionless.
        strength: dimensionless.
        divergence: dimensionless.
        tendency: Pa/s.
    """

    imbalance: Float[Array, "*batch"]
    strength: Float[Array, "*batch"]
    divergence: Float[Array, "*batch"]
    tendency: Float[Array, "*batch"]


# Reports measure every member of every cycle: one program, not one for every operation.
@partial(jax.jit, static_argnames="region")
def balance_measures(
    state: State,
    surface_geopotential: Float[Array, "lat lon"],
    region: BalanceRegion = EXTRATROPICAL_TROPOSPHERE,
) -> BalanceMeasures:
    """The measures of one or more states; points of pressure levels below the ground do not count.

    Args:
        state: SI units, on pressure or sigma levels.
        surface_geopotential: m2 s-2.
        region: where.

    Raises:
        InputError: the state lacks winds, geopotential, or what it is computed from.
    """
    grid = state.layout.grid
    above = above_ground(state, surface_geopotential)
    weights = above * region.weights(grid)
    u, v = state["u_component_of_wind"], state["v_component_of_wind"]
    eastward, northward = geostrophic_wind(state, surface_geopotential)
    apart = _total(((u - eastward) ** 2 + (v - northward) ** 2) * weights)
    energy = _total((u**2 + v**2) * weights)
    along = _total((u * eastward + v * northward) * weights)
    geostrophic = _total((eastward**2 + northward**2) * weights)
    per_radius = u * EARTH_RADIUS, v * EARTH_RADIUS  # both in m/s, so that squares keep digits
    divergence = _divergence(*per_radius, grid)
    vorticity = _divergence(per_radius[1], -per_radius[0], grid)
    tendency = _pressure_tendency(state, above)[..., None]
    of_columns = region.weights(grid).sum(axis=-1, keepdims=True)
    return BalanceMeasures(
        _root(apart) / _root(energy),
        along / jnp.maximum(geostrophic, _CALM),
        _root(_total(divergence**2 * weights)) / _root(_total(vorticity**2 * weights)),
        _root(_total(tendency**2 * of_columns)),
    )


def balance_variability(found: Sequence[BalanceMeasures]) -> BalanceMeasures:
    """Standard deviation of every measure of the truth over dates.

    At least a thousandth of the mean: the balance of an ideal flow may not vary at all.

    Args:
        found: of the truth at dates that are far enough apart to differ.

    Raises:
        InputError: fewer than two dates.
    """
    if len(found) < 2:
        message = f"expected at least 2 dates of the truth to see how it varies, got {len(found)}"
        raise InputError(message)

    def varied(*values: Float[Array, ""]) -> Float[Array, ""]:
        dates = jnp.stack(values)
        return jnp.maximum(dates.std(ddof=1), _LEAST * jnp.abs(dates.mean()))

    measured: BalanceMeasures = jax.tree.map(varied, *found)
    return measured


def balance_departures(
    state: State,
    truth: State,
    surface_geopotential: Float[Array, "lat lon"],
    variability: BalanceMeasures,
) -> dict[str, Float[Array, "*batch"]]:
    """The z of every measure by name, signed, in standard deviations of the truth.

    Args:
        state: one or more states, SI units.
        truth: of the same date.
        surface_geopotential: m2 s-2.
        variability: of the truth, see `balance_variability`.
    """
    own = balance_measures(state, surface_geopotential)
    true = balance_measures(truth, surface_geopotential)
    return {
        item.name: (getattr(own, item.name) - getattr(true, item.name))
        / getattr(variability, item.name)
        for item in fields(BalanceMeasures)
    }


def balance_scores(
    state: State,
    truth: State,
    surface_geopotential: Float[Array, "lat lon"],
    variability: BalanceMeasures,
) -> dict[str, Float[Array, "*batch"]]:
    """The score as "balance", and z of every measure by its name.

    The score is the mean of 1 / (1 + |z|) over the measures: within (0, 1], 1 at the balance of
    the truth. Arguments as of `balance_departures`.
    """
    departures = balance_departures(state, truth, surface_geopotential, variability)
    near = [1 / (1 + jnp.abs(z)) for z in departures.values()]
    return {"balance": jnp.stack(near).mean(axis=0)} | departures


def _divergence(u: Field, v: Field, grid: Grid) -> Field:
    """∂u/∂x + ∂(v cos φ)/∂y / cos φ; of (v, −u) it is the vorticity."""
    cosine = np.maximum(np.cos(np.deg2rad(grid.latitude)), 1e-6)[:, None, None]
    along, _ = horizontal_gradient(u, grid)
    _, across = horizontal_gradient(v * cosine, grid)
    return along + across / cosine


def _pressure_tendency(state: State, above: Field) -> Float[Array, "*batch lat lon"]:
    """∂p_s/∂t by the convergence of mass in the layers around the levels, Pa/s."""
    vertical = state.layout.grid.vertical
    lowest = max(STANDARD_PRESSURE, vertical.levels[-1])
    ground = 1.0 if vertical.kind == "sigma" else lowest
    mass = jnp.asarray(depth_of_layers(vertical, ground)) * above
    if vertical.kind == "sigma":
        mass = mass * state["surface_pressure"]
    u, v = state["u_component_of_wind"], state["v_component_of_wind"]
    return -_divergence(mass * u, mass * v, state.layout.grid).sum(axis=-1)


def _root(square: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
    return jnp.sqrt(square + _CALM**2)


def _total(field: Field) -> Float[Array, "*batch"]:
    return field.sum(axis=(-3, -2, -1))
