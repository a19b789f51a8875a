"""Observation errors."""

import pytest

from align_da.config import ObservationsConfig
from align_da.errors import ConfigError
from align_da.observations.error_model import InstrumentErrors
from align_da.runs.observation_errors import errors_of


def test_each_variable_takes_the_error_of_its_quantity() -> None:
    section = ObservationsConfig(
        wind_error=1.5, temperature_error=0.7, humidity_error=2e-4, surface_pressure_error=80.0
    )
    errors = errors_of(section)
    assert errors.of("10m_v_component_of_wind") == 1.5
    assert errors.of("2m_temperature") == 0.7
    assert errors.of("specific_humidity") == 2e-4
    assert errors.of("geopotential") == 100.0
    assert errors.of("mean_sea_level_pressure") == 80.0


def test_a_variable_without_an_error_is_refused() -> None:
    with pytest.raises(ConfigError, match="abstract_field"):
        InstrumentErrors().of("abstract_field")


def test_the_defaults_of_the_section_are_those_of_the_errors() -> None:
    assert errors_of(ObservationsConfig()) == InstrumentErrors()
