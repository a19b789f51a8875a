"""Balance diagnostics against MetPy, a second and independent implementation."""

import jax
import jax.numpy as jnp
import metpy.calc
import numpy as np
import pytest
from metpy.units import units

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate, state_from_fields
from align_da.atmosphere.balance import geostrophic_wind
from align_da.atmosphere.geopotential import geopotential, virtual_temperature
from align_da.constants import EARTH_RADIUS, GRAVITY

LATITUDE = np.arange(-87.5, 90, 5.0)
LONGITUDE = np.arange(48) * 7.5


def grid_on(vertical: VerticalCoordinate) -> Grid:
    return Grid(tuple(LATITUDE.tolist()), tuple(LONGITUDE.tolist()), vertical)


def test_the_geostrophic_wind_is_that_of_metpy() -> None:
    lat, lon = np.meshgrid(np.deg2rad(LATITUDE), np.deg2rad(LONGITUDE), indexing="ij")
    height = 5500 - 400 * np.sin(lat) ** 2 + 120 * np.cos(lat) ** 2 * np.cos(4 * lon + lat)
    layout = Layout(grid_on(VerticalCoordinate("pressure", (5.0e4,))), ("geopotential",))
    dx = EARTH_RADIUS * np.cos(lat[:, 1:]) * np.diff(lon, axis=1)
    dy = EARTH_RADIUS * np.diff(lat, axis=0)
    expected = metpy.calc.geostrophic_wind(
        height * units.m,
        dx=dx * units.m,
        dy=dy * units.m,
        latitude=np.rad2deg(lat) * units.degrees,
    )
    with jax.enable_x64(True):
        state = State(jnp.asarray(GRAVITY * height)[..., None], layout)
        found = geostrophic_wind(state, jnp.zeros(height.shape))
    rows = np.abs(LATITUDE) >= 5
    columns = slice(1, -1)  # MetPy does not close the circle
    for ours, theirs in zip(found, expected, strict=True):
        theirs_in_si = theirs.to("m/s").magnitude[rows, columns]
        # MetPy rounds the rotation of the Earth differently in the seventh digit.
        np.testing.assert_allclose(
            ours[rows][:, columns, 0],
            theirs_in_si,
            rtol=1e-4,
            atol=1e-6 * np.abs(theirs_in_si).max(),
        )


@pytest.fixture
def moist_column() -> State:
    levels = (0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95)
    grid = grid_on(VerticalCoordinate("sigma", levels))
    sigma = np.asarray(levels)
    temperature = np.maximum(288 * sigma**0.19, 210.0)
    fields = {
        "temperature": np.broadcast_to(temperature, (*grid.shape, 7)),
        "specific_humidity": np.broadcast_to(0.012 * sigma**3, (*grid.shape, 7)),
    }
    return state_from_fields(fields, Layout(grid, tuple(fields)))


def test_virtual_temperature_is_that_of_metpy(moist_column: State) -> None:
    humidity = np.asarray(moist_column["specific_humidity"][0, 0]) * units("kg/kg")
    expected = metpy.calc.virtual_temperature(
        np.asarray(moist_column["temperature"][0, 0]) * units.K,
        metpy.calc.mixing_ratio_from_specific_humidity(humidity),
    )
    np.testing.assert_allclose(
        virtual_temperature(moist_column)[0, 0], expected.to("K").magnitude, rtol=1e-5
    )


def test_hydrostatic_thickness_is_that_of_metpy(moist_column: State) -> None:
    """Between the lowest and the highest level, where both use the trapezoidal rule in ln p."""
    phi = geopotential(moist_column, jnp.zeros(moist_column.layout.grid.shape))[0, 0]
    sigma = np.asarray(moist_column.layout.grid.vertical.levels)
    humidity = np.asarray(moist_column["specific_humidity"][0, 0]) * units("kg/kg")
    expected = metpy.calc.thickness_hydrostatic(
        sigma[::-1] * 1000 * units.hPa,
        np.asarray(moist_column["temperature"][0, 0])[::-1] * units.K,
        metpy.calc.mixing_ratio_from_specific_humidity(humidity)[::-1],
    )
    found = float(phi[0] - phi[-1]) / GRAVITY
    assert found == pytest.approx(expected.to("m").magnitude, rel=1e-4)
