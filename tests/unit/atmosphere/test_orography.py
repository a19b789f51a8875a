"""Surface pressure over another orography, against the standard atmosphere."""

from dataclasses import replace

import jax.numpy as jnp
import metpy.calc
import numpy as np
import pytest
from metpy.units import units

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate, state_from_fields
from align_da.atmosphere.geopotential import virtual_temperature
from align_da.atmosphere.orography import on_orography
from align_da.constants import GRAVITY

LEVELS = {
    "sigma": VerticalCoordinate("sigma", (0.5, 0.95)),
    "pressure": VerticalCoordinate("pressure", (5.0e4, 8.5e4)),
}


def standard_pressure(height: float) -> float:
    """Of the U.S. Standard Atmosphere, Pa."""
    return float(metpy.calc.height_to_pressure_std(height * units.m).to("Pa").magnitude)


def standard_atmosphere(kind: str, height: float, humidity: float = 0.0) -> State:
    """Over a plain at a height, m; its virtual temperature is that of MetPy, 288 K at the sea."""
    vertical = LEVELS[kind]
    grid = Grid((-45.0, 45.0), (0.0, 120.0, 240.0), vertical)
    surface = standard_pressure(height)
    pressure = np.asarray(vertical.levels) * (surface if kind == "sigma" else 1.0)
    standard = [
        288 - 0.0065 * float(metpy.calc.pressure_to_height_std(p * units.Pa).to("m").magnitude)
        for p in pressure
    ]
    virtual = np.broadcast_to(standard, (*grid.shape, len(standard)))
    fields = {
        "temperature": virtual / (1 + (1 / 0.622 - 1) * humidity),
        "specific_humidity": np.full(virtual.shape, humidity),
        "surface_pressure": np.full((*grid.shape, 1), surface),
    }
    return state_from_fields(fields, Layout(grid, tuple(fields)))


@pytest.mark.parametrize("humidity", [0.0, 0.02])
@pytest.mark.parametrize(("before", "after"), [(0.0, 2500.0), (2500.0, 0.0), (800.0, 1000.0)])
@pytest.mark.parametrize("kind", LEVELS)
def test_surface_pressure_follows_the_standard_atmosphere(
    kind: str, before: float, after: float, humidity: float
) -> None:
    state = standard_atmosphere(kind, before, humidity)
    plain = jnp.ones(state.layout.grid.shape)
    moved = on_orography(state, GRAVITY * before * plain, GRAVITY * after * plain)
    # An isothermal layer errs by 4 hPa over these 2500 m, T for Tv by another 3.
    np.testing.assert_allclose(moved["surface_pressure"], standard_pressure(after), rtol=3e-5)
    np.testing.assert_array_equal(moved["temperature"], state["temperature"])


def test_there_and_back_over_moist_air_is_the_same_pressure_to_a_pascal() -> None:
    state = standard_atmosphere("pressure", 300.0, humidity=0.015)
    assert float(jnp.max(virtual_temperature(state) - state["temperature"])) > 2
    low, high = (jnp.full(state.layout.grid.shape, GRAVITY * z) for z in (300.0, 900.0))
    again = on_orography(on_orography(state, low, high), high, low)
    np.testing.assert_allclose(again["surface_pressure"], state["surface_pressure"], atol=1.0)


def test_the_same_orography_changes_nothing_and_batches_are_moved_alike() -> None:
    state = standard_atmosphere("sigma", 0.0)
    rough = GRAVITY * jnp.asarray([[0.0, 500.0, 1000.0], [10.0, 20.0, 30.0]])
    np.testing.assert_array_equal(on_orography(state, rough, rough).values, state.values)
    batch = replace(state, values=jnp.stack([state.values, 1.01 * state.values]))
    moved = on_orography(batch, jnp.zeros_like(rough), rough)
    single = on_orography(state, jnp.zeros_like(rough), rough)
    np.testing.assert_allclose(moved.values[0], single.values, rtol=1e-6)
