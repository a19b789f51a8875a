"""Pressure and geopotential of states that are read with xarray."""

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from align_da.atmosphere import (
    Grid,
    Layout,
    State,
    VerticalCoordinate,
    at_pressure,
    geopotential_of,
    pressure_of,
)
from align_da.atmosphere.dataset import dataset_from_state
from align_da.atmosphere.geopotential import geopotential
from align_da.errors import InputError

SIGMA = VerticalCoordinate("sigma", (0.2, 0.5, 0.9))
PRESSURE = VerticalCoordinate("pressure", (20000.0, 50000.0, 90000.0))
SURFACE = np.arange(8.0, dtype=np.float32).reshape(2, 4) * 100


def states(vertical: VerticalCoordinate, variables: tuple[str, ...]) -> State:
    """Two times of three members."""
    grid = Grid((-45.0, 45.0), (0.0, 90.0, 180.0, 270.0), vertical)
    layout = Layout(grid, variables)
    low = jnp.asarray([channel.variable.bounds[0] for channel in layout.channels])
    noise = np.random.default_rng(0).uniform(1.1, 1.5, (2, 3, *layout.shape))
    return State(jnp.asarray(low * noise, jnp.float32), layout)


def dataset(of: State) -> xr.Dataset:
    times = np.array(["2000-01-01T00", "2000-01-01T06"], "datetime64[ns]")
    return dataset_from_state(of, {"time": times, "realization": np.arange(3)})


MOIST = states(SIGMA, ("temperature", "specific_humidity", "surface_pressure"))
DRY = states(SIGMA, ("surface_pressure", "temperature"))


def test_pressure_on_sigma_levels_is_sigma_times_that_of_the_surface() -> None:
    found = pressure_of(dataset(MOIST))
    assert found.dims == ("time", "realization", "level", "latitude", "longitude")
    wanted = np.moveaxis(np.asarray(MOIST["surface_pressure"]) * np.float64(SIGMA.levels), -1, 2)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    assert found.attrs["standard_name"] == "air_pressure"
    assert found.attrs["units"] == "Pa"


def test_pressure_on_levels_of_pressure_is_that_of_the_levels() -> None:
    found = pressure_of(dataset(states(PRESSURE, ("temperature",))))
    assert found.dims == ("level",)
    np.testing.assert_array_equal(found, PRESSURE.levels)


@pytest.mark.parametrize("of", [MOIST, DRY], ids=["moist", "dry"])
def test_geopotential_has_the_bits_of_that_of_states(of: State) -> None:
    found = geopotential_of(dataset(of), SURFACE)
    wanted = np.moveaxis(np.asarray(geopotential(of, jnp.asarray(SURFACE))), -1, 2)
    np.testing.assert_array_equal(found, wanted)
    assert found.attrs["units"] == "m2 s-2"


def test_geopotential_that_is_stored_is_given_as_it_is() -> None:
    stored = dataset(states(PRESSURE, ("geopotential",)))
    xr.testing.assert_identical(geopotential_of(stored, SURFACE), stored["geopotential"])


def test_what_is_not_loaded_is_not_computed() -> None:
    whole = dataset(MOIST)
    lazy = whole.chunk({"time": 1})
    height, pressure = geopotential_of(lazy, SURFACE), pressure_of(lazy)
    found = at_pressure(height, pressure, (5e4, 8e4))
    assert all(array.chunks is not None for array in (height, pressure, found))
    wanted = at_pressure(geopotential_of(whole, SURFACE), pressure_of(whole), (5e4, 8e4))
    xr.testing.assert_identical(found.compute(), wanted)


def test_between_levels_a_field_is_linear_in_the_logarithm_of_pressure() -> None:
    pressure = pressure_of(dataset(MOIST))
    field = (3 * np.log(pressure) + 1).rename("field")
    found = at_pressure(field, pressure, (1e3, 2e4, 3e4, 2e5))
    assert found.dims == field.dims
    assert found["level"].attrs["units"] == "Pa"
    assert np.isnan(found.isel(level=[0, 3])).all()
    np.testing.assert_allclose(found.isel(level=2), 3 * np.log(3e4) + 1, rtol=1e-12)


def test_at_the_levels_themselves_a_field_is_what_it_was() -> None:
    whole = dataset(states(PRESSURE, ("temperature",)))
    found = at_pressure(whole["temperature"], pressure_of(whole), PRESSURE.levels)
    np.testing.assert_array_equal(found, whole["temperature"])


def test_what_is_not_known_is_refused() -> None:
    dry, levels = dataset(states(SIGMA, ("temperature",))), dataset(MOIST)
    with pytest.raises(InputError, match=r"expected levels of pressure.*got temperature on sigma"):
        pressure_of(dry)
    with pytest.raises(InputError, match="expected geopotential, or temperature on sigma levels"):
        geopotential_of(dataset(states(PRESSURE, ("temperature",))), SURFACE)
    with pytest.raises(InputError, match=r"a surface of \(2, 4\) points, got \(4, 2\)"):
        geopotential_of(dry, SURFACE.T)
    with pytest.raises(InputError, match="expected states with a dimension level"):
        pressure_of(levels.isel(level=0))
    with pytest.raises(InputError, match="on two levels or more"):
        at_pressure(levels["surface_pressure"], pressure_of(levels), (5e4,))
