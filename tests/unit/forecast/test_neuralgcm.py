"""The adapter of NeuralGCM, with a stand-in of the same interface."""

import jax
import numpy as np
import pytest
import xarray as xr
from neuralgcm_stand_in import TIME, StandIn, sea
from small_graphs import random_states

from align_da.atmosphere import State
from align_da.errors import InputError
from align_da.forecast import ForecastModel
from align_da.forecast.neuralgcm import NeuralGcmForecastModel


def test_states_move_as_the_model_moves_them() -> None:
    stand_in = StandIn()
    model = NeuralGcmForecastModel(stand_in, sea())
    assert isinstance(model, ForecastModel)
    assert model.layout.variables == ("temperature", "specific_humidity", "geopotential")
    assert model.layout.grid.vertical.levels == (50000.0, 85000.0)
    states = random_states(model.layout)
    found = model.forecast(states, TIME, 12)
    expected = np.roll(np.asarray(states.values), 2, axis=2)
    expected[..., model.layout.channels_of("temperature")] += 2 * 2.81  # the sea of that day
    np.testing.assert_allclose(np.asarray(found.values), expected, rtol=1e-6)
    assert stand_in.times == [TIME, TIME]


def test_every_member_and_time_has_a_key_of_its_own() -> None:
    stand_in = StandIn()
    model = NeuralGcmForecastModel(stand_in, sea(), jax.random.key(0))
    states = random_states(model.layout)
    for _ in range(2):
        model.forecast(states, TIME, 6)
    first, second, again, _ = [
        tuple(jax.random.key_data(key).tolist()) for key in stand_in.keys if key is not None
    ]
    assert first == again
    assert first != second


def test_a_forecast_needs_the_sea_surface() -> None:
    with pytest.raises(InputError, match="forcing 'sea_surface_temperature' with a time axis"):
        NeuralGcmForecastModel(StandIn(), xr.Dataset())
    with pytest.raises(InputError, match="has gaps"):
        NeuralGcmForecastModel(StandIn(), sea().where(sea()["time"] > TIME))


def test_a_model_of_unknown_variables_is_refused() -> None:
    stand_in = StandIn()
    stand_in.input_variables = ("temperature", "ozone")  # type: ignore[assignment]
    with pytest.raises(InputError, match="the model takes ozone"):
        NeuralGcmForecastModel(stand_in, sea())


def test_states_of_another_layout_are_refused() -> None:
    model = NeuralGcmForecastModel(StandIn(), sea())
    states = random_states(model.layout)
    with pytest.raises(InputError, match="batch"):
        model.forecast(State(states.values[0], model.layout), TIME, 6)
    with pytest.raises(InputError, match="multiple of 6 hours"):
        model.forecast(states, TIME, 5)
