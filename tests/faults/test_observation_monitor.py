"""Observing systems that change: the monitor tells it, and keeps quiet about those that do not."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from align_da.observations import Flag
from align_da.observations.monitoring import (
    ALL,
    MonitoredCycles,
    observation_alerts,
    observation_series,
)

Figure = Callable[[str], None]
VARIABLES = ("u_component_of_wind", "temperature", "surface_pressure")
STATIONS, LEVELS, CYCLES, FAULT = 40, 8, 60, 30
VARIABLE = np.tile(np.r_[np.repeat([0, 1], LEVELS), 2], STATIONS)
STATION = np.repeat(np.arange(STATIONS), 2 * LEVELS + 1)


def series_of(seed: int) -> MonitoredCycles:
    """Cycles of a good observing system, with weather that lasts and 1 % of values rejected."""
    chance = np.random.default_rng(seed)
    departure = chance.standard_normal((CYCLES, VARIABLE.size))
    weather = np.zeros((STATIONS, 3))
    for cycle in range(CYCLES):
        weather = 0.5 * weather + 0.87 * chance.standard_normal(weather.shape)
        departure[cycle] += weather[STATION, VARIABLE]
    rejected = chance.uniform(size=departure.shape) < 0.01
    return MonitoredCycles(
        departure,
        np.tile(VARIABLE, (CYCLES, 1)),
        np.tile(STATION, (CYCLES, 1)),
        np.where(rejected, int(Flag.BACKGROUND), int(Flag.PASS)),
    )


def alerts_of(cycles: MonitoredCycles) -> pd.DataFrame:
    return observation_alerts(observation_series(cycles, VARIABLES))


def told(alerts: pd.DataFrame, station: str, variable: str, what: str) -> pd.DataFrame:
    """Alerts of one series from the cycle of the fault on."""
    chosen = (alerts["station"] == station) & (alerts["variable"] == variable)
    return alerts[chosen & (alerts["what"] == what) & (alerts["cycle"] >= FAULT)]


@pytest.mark.parametrize("runs", [2, pytest.param(20, marks=pytest.mark.long)])
def test_row_50_a_good_observing_system_gives_next_to_no_alert(runs: int, figure: Figure) -> None:
    count = watched = 0
    for seed in range(runs):
        series = observation_series(series_of(seed), VARIABLES)
        alerts = observation_alerts(series)
        assert not (alerts["station"] == ALL).any()
        count, watched = count + len(alerts), watched + 2 * series.count[20:].size
    assert count <= 1e-4 * watched
    figure(f"clean series: {count} alerts in {watched} figures of {runs} runs")


def test_row_50_a_station_that_dies_is_told_in_its_first_cycle(figure: Figure) -> None:
    clean = series_of(0)
    dead = (np.arange(CYCLES)[:, None] >= FAULT) & (clean.station == 7)
    alerts = alerts_of(replace(clean, flag=np.where(dead, int(Flag.MISSING), clean.flag)))
    for variable in (ALL, "temperature", "u_component_of_wind"):
        found = told(alerts, "7", variable, "count")
        assert found["cycle"].iloc[0] == FAULT
        assert found["value"].eq(0).all()
        # The rolling limits have moved to it at the end; those of the first cycles have not.
        assert found.loc[found["limits"] == "hard", "cycle"].tolist() == [*range(FAULT, CYCLES)]
    figure("a station dies: alert in the same cycle, hard limit alerts to the end")


def test_row_50_a_type_that_doubles_is_told_in_its_first_cycle(figure: Figure) -> None:
    clean = series_of(0)
    twice = MonitoredCycles(*(np.tile(array, (1, 2)) for array in vars(clean).values()))
    late = np.arange(CYCLES)[:, None] >= FAULT
    copy = np.arange(twice.flag.shape[1]) >= VARIABLE.size
    away = copy & ~(late & (twice.variable == 1))
    alerts = alerts_of(replace(twice, flag=np.where(away, int(Flag.MISSING), twice.flag)))
    found = told(alerts, ALL, "temperature", "count")
    assert found["cycle"].iloc[0] == FAULT
    assert found["value"].iloc[0] > 1.9 * STATIONS * LEVELS
    assert told(alerts, ALL, "u_component_of_wind", "count").empty
    figure("a type doubles: alert in the same cycle, none for the other types")


def test_row_50_a_bias_that_jumps_is_told(figure: Figure) -> None:
    clean, late = series_of(0), np.arange(CYCLES)[:, None] >= FAULT
    jump = 2.0 * (late & (clean.variable == 1))
    found = told(
        alerts_of(replace(clean, departure=clean.departure + jump)),
        ALL,
        "temperature",
        "mean departure",
    )
    assert found["cycle"].iloc[0] == FAULT
    own = 10.0 * (late & (clean.station == 7))
    alerts = alerts_of(replace(clean, departure=clean.departure + own))
    at_station = told(alerts, "7", "temperature", "mean departure")
    assert at_station["cycle"].iloc[0] == FAULT
    assert told(alerts, "8", "temperature", "mean departure").empty
    figure("bias of a type by 2 K, of a station by 10 K: alert in the same cycle")


def test_row_50_a_bias_that_creeps_is_told_by_the_hard_limits(figure: Figure) -> None:
    clean = series_of(0)
    creep = 0.08 * np.maximum(np.arange(CYCLES) - 20, 0)[:, None] * (clean.variable == 1)
    alerts = alerts_of(replace(clean, departure=clean.departure + creep))
    found = alerts[(alerts["station"] == ALL) & (alerts["what"] == "mean departure")]
    assert found["variable"].eq("temperature").all()
    hard = found.loc[found["limits"] == "hard", "cycle"]
    assert len(hard) > 5
    figure(f"a bias that grows 0.08 K a cycle: told after {hard.iloc[0] - 20} cycles")
