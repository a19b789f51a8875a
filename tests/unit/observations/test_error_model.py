"""Observation errors."""

import pytest

from align_da.config import ObservationsConfig
from align_da.errors import ConfigError
from align_da.observations.error_model import observation_error


def test_each_variable_takes_the_error_of_its_quantity() -> None:
    config = ObservationsConfig(
        wind_error=1.5, temperature_error=0.7, humidity_error=2e-4, surface_pressure_error=80.0
    )
    assert observation_error("10m_v_component_of_wind", config) == 1.5
    assert observation_error("2m_temperature", config) == 0.7
    assert observation_error("specific_humidity", config) == 2e-4
    assert observation_error("geopotential", config) == 100.0
    assert observation_error("mean_sea_level_pressure", config) == 80.0


def test_a_variable_without_an_error_is_refused() -> None:
    with pytest.raises(ConfigError, match="lorenz_96"):
        observation_error("lorenz_96", ObservationsConfig())
