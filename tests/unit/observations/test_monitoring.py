"""What the monitor counts, and where its limits are."""

import numpy as np

from align_da.observations import Flag
from align_da.observations.monitoring import (
    ALL,
    MonitoredCycles,
    observation_alerts,
    observation_series,
)

NAMES = ("u", "T")


def cycles_of(departure: np.ndarray, flag: np.ndarray | int = Flag.PASS) -> MonitoredCycles:
    """Two stations, each of which reports both variables twice."""
    shape = departure.shape
    return MonitoredCycles(
        departure.astype(np.float64),
        np.broadcast_to([0, 0, 1, 1] * 2, shape).copy(),
        np.broadcast_to([5] * 4 + [9] * 4, shape).copy(),
        np.broadcast_to(flag, shape).astype(np.int64),
    )


def test_every_station_and_variable_is_counted_and_averaged() -> None:
    departure = np.asarray([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, np.nan, 8.0]])
    flag = [0, Flag.PASSIVE, 0, Flag.BOUNDS, 0, 0, Flag.MISSING, 0]
    series = observation_series(cycles_of(departure, np.asarray(flag)), NAMES)
    found = {
        name: (count, mean)
        for *name, count, mean in zip(
            series.station, series.variable, series.count[0], series.mean_departure[0], strict=True
        )
        for name in [tuple(name)]
    }
    assert found[ALL, "u"] == (4, 3.5)
    assert found[ALL, "T"] == (2, 5.5)
    assert found["5", "u"] == (2, 1.5)
    assert found["9", "T"] == (1, 8.0)
    # Departures of different units have no mean.
    assert found["5", ALL][0] == 3
    assert np.isnan(found["5", ALL][1])
    assert len(found) == 8


def test_limits_are_the_mean_of_the_twenty_cycles_before_and_six_deviations() -> None:
    departure = np.tile(np.asarray([1.0, -1.0])[:, None], (11, 8))[:21]
    departure[20] = 7.0
    alerts = observation_alerts(observation_series(cycles_of(departure), NAMES))
    spread = np.sqrt(20 / 19)
    assert set(alerts["limits"]) == {"soft"}
    assert set(alerts["cycle"]) == {20}
    assert set(alerts["what"]) == {"mean departure"}
    np.testing.assert_allclose(alerts["high"], 6 * spread)
    np.testing.assert_allclose(alerts["low"], -6 * spread)
    departure[20] = 13.0
    alerts = observation_alerts(observation_series(cycles_of(departure), NAMES))
    assert set(alerts["limits"]) == {"soft", "hard"}


def test_one_observation_less_is_no_alert_and_all_of_a_station_are() -> None:
    departure, flag = np.zeros((21, 8)), np.zeros((21, 8), int)
    flag[20, 0] = Flag.BACKGROUND
    assert observation_alerts(observation_series(cycles_of(departure, flag), NAMES)).empty
    flag[20, :4] = Flag.MISSING
    alerts = observation_alerts(observation_series(cycles_of(departure, flag), NAMES))
    assert ("5", ALL) in set(zip(alerts["station"], alerts["variable"], strict=True))
    assert "9" not in set(alerts["station"])


def test_there_is_no_alert_before_limits_are_known_and_none_of_nothing() -> None:
    departure = np.random.default_rng(0).normal(size=(20, 8)) * np.arange(20)[:, None]
    assert observation_alerts(observation_series(cycles_of(departure), NAMES)).empty
    nothing = cycles_of(np.zeros((25, 8)), Flag.MISSING)
    assert observation_alerts(observation_series(nothing, NAMES)).empty
