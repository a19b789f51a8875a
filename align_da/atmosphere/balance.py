"""How far a state is from geostrophic and from hydrostatic balance.

The geostrophic wind is taken on the vertical coordinate of the state itself,

    u_g = −F_y / f,   v_g = F_x / f,   f = 2 Omega sin(lat),

with F = grad Phi on pressure levels and F = grad Phi + R_d Tv grad ln p_s on sigma levels (Holton
and Hakim, An Introduction to Dynamic Meteorology). The imbalance of a state is the share of the
ageostrophic wind in the wind energy of the extratropical troposphere,

    R = <|V − V_g|²> / <|V|²>,

a ratio of means and not a mean of ratios, which would be singular in calm air. No state of the
atmosphere has R = 0: what counts is the distance to the imbalance of the truth.
"""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from align_da.atmosphere.geopotential import geopotential, virtual_temperature
from align_da.atmosphere.gradient import horizontal_gradient
from align_da.atmosphere.grid import Grid, VerticalCoordinate
from align_da.atmosphere.state import Layout, State
from align_da.constants import DRY_AIR_GAS_CONSTANT, EARTH_ROTATION
from align_da.errors import InputError

STANDARD_PRESSURE = 1.0e5  # Pa; what a pressure level is divided by to compare it with sigma
_LOWEST_LATITUDE = 5.0  # degrees; nearer to the equator f keeps its value there and V_g is finite


@dataclass(frozen=True)
class BalanceRegion:
    """Where balance is measured.

    Attributes:
        latitudes: lowest and highest distance from the equator, degrees.
        taper: width of the linear transition centred on each of them, degrees, positive.
        levels: highest and lowest level as a share of the surface pressure.
    """

    latitudes: tuple[float, float] = (20.0, 80.0)
    taper: float = 10.0
    levels: tuple[float, float] = (0.2, 0.9)

    def weights(self, grid: Grid) -> Float[np.ndarray, "lat lon level"]:
        """Share of each grid point in the mean, sum 1; equal for every level.

        Raises:
            InputError: the grid has no point in the region.
        """
        distance = np.abs(grid.latitude)
        edges = (distance - self.latitudes[0], self.latitudes[1] - distance)
        ramps = [np.clip(edge / self.taper + 0.5, 0, 1) for edge in edges]
        by_area = grid.area_weights * (ramps[0] * ramps[1])[:, None]
        weights = by_area[:, :, None] * self.holds(grid.vertical)
        if weights.sum() == 0:
            message = f"no grid point lies in {self}: the levels are {grid.vertical.levels}"
            raise InputError(message)
        return np.asarray(weights / weights.sum())

    def holds(self, vertical: VerticalCoordinate) -> Bool[np.ndarray, " level"]:
        """Which levels lie in the region."""
        scale = STANDARD_PRESSURE if vertical.kind == "pressure" else 1.0
        levels = np.asarray(vertical.levels) / scale
        return np.asarray((levels >= self.levels[0]) & (levels <= self.levels[1]))


EXTRATROPICAL_TROPOSPHERE = BalanceRegion()


def has_mass_and_wind(layout: Layout) -> bool:
    """Whether states hold what balance is about: winds on levels, geopotential or its parts."""
    held = set(layout.variables)
    on_sigma = layout.grid.vertical.kind == "sigma"
    mass = "geopotential" in held or (on_sigma and {"temperature", "surface_pressure"} <= held)
    return mass and {"u_component_of_wind", "v_component_of_wind"} <= held


def geostrophic_wind(
    state: State, surface_geopotential: Float[Array, "lat lon"]
) -> tuple[Float[Array, "*batch lat lon level"], Float[Array, "*batch lat lon level"]]:
    """Eastward and northward geostrophic wind on the levels of the state, m/s.

    Within 5 degrees of the equator the Coriolis parameter keeps its value at 5 degrees.

    Args:
        state: one or more states in SI units, on pressure or sigma levels.
        surface_geopotential: m2 s-2.

    Raises:
        InputError: the state lacks geopotential, or what it is computed from.
    """
    grid = state.layout.grid
    force_x, force_y = horizontal_gradient(geopotential(state, surface_geopotential), grid)
    if grid.vertical.kind == "sigma":
        pressure_x, pressure_y = horizontal_gradient(jnp.log(state["surface_pressure"]), grid)
        elasticity = DRY_AIR_GAS_CONSTANT * virtual_temperature(state)
        force_x, force_y = force_x + elasticity * pressure_x, force_y + elasticity * pressure_y
    latitude = np.asarray(grid.latitude)
    away = np.where(latitude < 0, -1, 1) * np.maximum(np.abs(latitude), _LOWEST_LATITUDE)
    coriolis = jnp.asarray((2 * EARTH_ROTATION * np.sin(np.deg2rad(away)))[:, None, None])
    return -force_y / coriolis, force_x / coriolis


def geostrophic_imbalance(
    state: State,
    surface_geopotential: Float[Array, "lat lon"],
    region: BalanceRegion = EXTRATROPICAL_TROPOSPHERE,
) -> Float[Array, "*batch"]:
    """Share of the ageostrophic wind in the wind energy, R above, dimensionless, from 0 up.

    Points of pressure levels below the ground do not count.
    """
    eastward, northward = geostrophic_wind(state, surface_geopotential)
    u, v = state["u_component_of_wind"], state["v_component_of_wind"]
    weights = above_ground(state, surface_geopotential) * region.weights(state.layout.grid)
    departure = ((u - eastward) ** 2 + (v - northward) ** 2) * weights
    energy = (u**2 + v**2) * weights
    return _total(departure) / jnp.maximum(_total(energy), np.finfo(np.float32).tiny)


def hydrostatic_residual(
    state: State,
    surface_geopotential: Float[Array, "lat lon"],
    region: BalanceRegion = EXTRATROPICAL_TROPOSPHERE,
) -> Float[Array, "*batch"]:
    """Mean of |ΔPhi + R_d Tv Δln p| / (R_d Tv |Δln p|) over the layers between pressure levels.

    Dimensionless; the trapezoidal rule alone leaves some: compare with that of the truth. The
    mean temperature of a layer is that of its two levels; a layer has the weight of its lower one.

    Raises:
        InputError: the state is not on pressure levels (on sigma levels the geopotential is
            computed from this balance) or lacks geopotential or temperature.
    """
    vertical = state.layout.grid.vertical
    if vertical.kind != "pressure":
        message = f"the hydrostatic residual needs pressure levels, got {vertical.kind} levels"
        raise InputError(message)
    temperature = virtual_temperature(state)
    mean = (temperature[..., 1:] + temperature[..., :-1]) / 2
    expected = DRY_AIR_GAS_CONSTANT * mean * np.diff(np.log(vertical.levels))
    residual = jnp.abs(jnp.diff(state["geopotential"], axis=-1) / expected + 1)
    above = above_ground(state, surface_geopotential)
    weights = (above * region.weights(state.layout.grid))[..., 1:]
    return _total(residual * weights) / _total(weights)


def above_ground(
    state: State, surface_geopotential: Float[Array, "lat lon"]
) -> Float[Array, "*batch lat lon level"]:
    """1 where a level is above the ground and 0 below; sigma levels are always above."""
    if state.layout.grid.vertical.kind == "sigma":
        return jnp.ones_like(state["temperature"])
    above = state["geopotential"] > surface_geopotential[..., None]
    return above.astype(state.values.dtype)


def _total(field: Float[Array, "*batch lat lon level"]) -> Float[Array, "*batch"]:
    return field.sum(axis=(-3, -2, -1))
