"""Hydrostatic geopotential against closed forms."""

import jax.numpy as jnp
import numpy as np
import pytest

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate, state_from_fields
from align_da.atmosphere.geopotential import geopotential, virtual_temperature
from align_da.constants import DRY_AIR_GAS_CONSTANT
from align_da.errors import InputError


def state_with(grid: Grid, temperature: np.ndarray, humidity: np.ndarray | float = 0.0) -> State:
    shape = (*grid.shape, grid.level_count)
    fields = {
        "temperature": np.broadcast_to(temperature, shape),
        "specific_humidity": np.broadcast_to(humidity, shape),
    }
    return state_from_fields(fields, Layout(grid, tuple(fields)))


def test_an_isothermal_atmosphere_has_the_barometric_height(sigma_grid: Grid) -> None:
    surface = jnp.asarray(np.random.default_rng(0).uniform(0, 2e4, sigma_grid.shape))
    phi = geopotential(state_with(sigma_grid, np.asarray(260.0)), surface)
    rise = -DRY_AIR_GAS_CONSTANT * 260 * np.log(sigma_grid.vertical.levels)
    np.testing.assert_allclose(phi, surface[..., None] + rise, rtol=1e-5)


def test_a_temperature_linear_in_ln_sigma_is_integrated_exactly_above_the_lowest_level(
    sigma_grid: Grid,
) -> None:
    z = np.log(sigma_grid.vertical.levels)
    temperature = 280 + 30 * z
    phi = geopotential(state_with(sigma_grid, temperature), jnp.zeros(sigma_grid.shape))
    exact = DRY_AIR_GAS_CONSTANT * (280 * (z[-1] - z) + 15 * (z[-1] ** 2 - z**2))
    np.testing.assert_allclose(phi[3, 4] - phi[3, 4, -1], exact, rtol=1e-5, atol=0.1)


def test_moist_air_counts_as_warmer(sigma_grid: Grid) -> None:
    moist = state_with(sigma_grid, np.asarray(300.0), 0.02)
    # 1/0.622 - 1 = 0.6077
    np.testing.assert_allclose(virtual_temperature(moist), 300 * (1 + 0.6077 * 0.02), rtol=1e-5)
    dry = State(moist["temperature"], Layout(sigma_grid, ("temperature",)))
    np.testing.assert_array_equal(virtual_temperature(dry), dry["temperature"])


def test_a_state_that_holds_geopotential_gives_it_back(pressure_grid: Grid) -> None:
    layout = Layout(pressure_grid, ("geopotential",))
    state = State(jnp.ones((2, *layout.shape)), layout)
    np.testing.assert_array_equal(geopotential(state, jnp.zeros(layout.shape[:2])), state.values)


def test_pressure_levels_without_geopotential_are_refused(pressure_grid: Grid) -> None:
    with pytest.raises(InputError, match="temperature, specific_humidity on pressure levels"):
        geopotential(state_with(pressure_grid, np.asarray(260.0)), jnp.zeros(pressure_grid.shape))


def test_abstract_levels_are_refused(sigma_grid: Grid) -> None:
    grid = Grid(sigma_grid.latitude, sigma_grid.longitude, VerticalCoordinate("index", (1.0,)))
    layout = Layout(grid, ("lorenz_96",))
    with pytest.raises(InputError, match="index levels"):
        geopotential(State(jnp.zeros(layout.shape), layout), jnp.zeros(grid.shape))
