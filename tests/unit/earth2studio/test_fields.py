"""States to and from data arrays of earth2studio."""

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from faults.observed_world import LAYOUT, atmosphere

from align_da.atmosphere import State
from align_da.earth2studio.fields import array_of, states_of
from align_da.errors import InputError

TIME = np.datetime64("2020-01-01T06:00", "ns")


@pytest.fixture
def state() -> State:
    values = atmosphere().values
    return State(jnp.stack([values, values * 1.001]), LAYOUT)


@pytest.fixture
def array(state: State) -> xr.DataArray:
    return array_of(state, TIME, cycle=3)


def test_an_array_runs_from_north_to_south_with_members_first(
    array: xr.DataArray, state: State
) -> None:
    assert array.dims == ("ensemble", "time", "variable", "lat", "lon")
    assert array["lat"][0] == 84.375
    assert array.dtype == np.float32
    assert array.data.flags.c_contiguous
    assert array.data.flags.writeable
    north = array.isel(ensemble=1, time=0).sel(variable="t0.9sigma", lat=84.375, lon=45.0)
    expected = state.values[1, -1, 4, LAYOUT.channels_of("temperature")][-1]
    assert float(north) == float(expected)


def test_a_state_comes_back_bit_for_bit(array: xr.DataArray, state: State) -> None:
    found, time = states_of(array, LAYOUT)
    np.testing.assert_array_equal(found.values, state.values)
    assert time == TIME


def test_order_of_axes_latitudes_and_variables_does_not_matter(
    array: xr.DataArray, state: State
) -> None:
    turned = array.isel(lat=slice(None, None, -1), variable=slice(None, None, -1))
    turned = turned.transpose("lat", "variable", "lon", "time", "ensemble")
    western = turned.roll(lon=16, roll_coords=True)
    western = western.assign_coords(lon=(western["lon"] + 180) % 360 - 180)
    for other in (turned, western):
        np.testing.assert_array_equal(states_of(other, LAYOUT)[0].values, state.values)


def test_a_lead_time_counts_from_the_time(array: xr.DataArray) -> None:
    forecast = array.expand_dims(lead_time=[np.timedelta64(6, "h")])
    assert states_of(forecast, LAYOUT)[1] == TIME + np.timedelta64(6, "h")


def test_a_single_state_is_an_ensemble_of_one(array: xr.DataArray, state: State) -> None:
    found, _ = states_of(array.isel(ensemble=0, drop=True), LAYOUT)
    np.testing.assert_array_equal(found.values, state.values[:1])


def test_what_is_no_state_of_the_run_is_refused(array: xr.DataArray) -> None:
    wrong = {
        "DataArray of xarray, got ndarray": array.to_numpy(),
        "dimensions time, variable, lat, lon": array.rename(lat="latitude"),
        r"got \('ensemble', 'variable'": array.isel(time=0),
        "none for lat": array.drop_vars("lat"),
        "missing: sp": array.isel(variable=slice(0, -1)),
        "unknown: t2m": array.assign_coords(variable=[*array["variable"].values[:-1], "t2m"]),
        "latitude does not match": array.isel(lat=slice(2, None)),
        "longitude must": array.isel(lon=slice(2, None)),
        "one time, got {'time': 2}": xr.concat([array, array], "time"),
        "expected datetime64": array.assign_coords(time=[3.0]),
        "1678 to 2261": array.assign_coords(time=[np.datetime64("NaT", "ns")]),
        "2 values are not finite": array.where(array != array.max()),
    }
    for message, given in wrong.items():
        with pytest.raises(InputError, match=message):
            states_of(given, LAYOUT)
