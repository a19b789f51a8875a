"""Names of earth2studio for channels and observations."""

import math

import pytest
from faults.observed_world import LAYOUT

from align_da.atmosphere import Grid, Layout, VerticalCoordinate
from align_da.earth2studio.variables import (
    channel_names,
    has_names,
    observable_names,
    observed,
)
from align_da.forecast.lorenz96 import Lorenz96ForecastModel

PRESSURE = Layout(
    Grid(
        LAYOUT.grid.latitude,
        LAYOUT.grid.longitude,
        VerticalCoordinate("pressure", (5000.0, 50000.0, 85000.0)),
    ),
    (
        "geopotential",
        "temperature",
        "10m_u_component_of_wind",
        "2m_temperature",
        "mean_sea_level_pressure",
    ),
)


def test_pressure_levels_are_named_in_hectopascal() -> None:
    assert channel_names(PRESSURE) == (
        *("z50", "z500", "z850", "t50", "t500", "t850"),
        *("u10m", "t2m", "msl"),
    )


def test_sigma_levels_never_look_like_pressures() -> None:
    names = channel_names(LAYOUT)
    assert names[:2] == ("u0.1sigma", "u0.3sigma")
    assert names[-1] == "sp"
    assert not any(observed(name, LAYOUT) for name in names[:-1])


@pytest.mark.parametrize(
    ("name", "variable", "at_level", "level"),
    [
        ("t850", "temperature", True, 85000.0),
        ("t775", "temperature", True, 77500.0),
        ("t2m", "2m_temperature", False, math.nan),
        ("u10m", "10m_u_component_of_wind", False, math.nan),
        ("t", "temperature", True, math.nan),
    ],
)
def test_a_name_says_variable_and_level(
    name: str, variable: str, at_level: bool, level: float
) -> None:
    found = observed(name, PRESSURE)
    assert found is not None
    assert (found.variable, found.at_level) == (variable, at_level)
    assert found.level == pytest.approx(level, nan_ok=True)


@pytest.mark.parametrize(
    "name", ["tcwv", "u500", "z", "u10", "sp", "t2", "d2m", "r500", "", "T2M"]
)
def test_what_the_state_does_not_hold_has_no_meaning(name: str) -> None:
    held = {"t2": "temperature"}  # 2 hPa
    found = observed(name, PRESSURE)
    assert (None if found is None else found.variable) == held.get(name)


def test_every_observable_name_is_understood() -> None:
    for layout in (PRESSURE, LAYOUT):
        assert all(observed(name, layout) for name in observable_names(layout))
    assert observable_names(LAYOUT) == ("u", "v", "t", "q", "sp", "pres")


def test_an_abstract_system_has_no_names() -> None:
    assert has_names(LAYOUT)
    assert not has_names(Lorenz96ForecastModel().layout)
