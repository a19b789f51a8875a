"""An alignment that pleases its reward alone is stopped."""

import math

import pytest

from align_da.alignment.hacking_monitor import HackingMonitor
from align_da.errors import InputError

MONITOR = HackingMonitor("forecast", ("later", "spread"), looks=2, tolerance=0.02)


def history(forecast: list[float], later: list[float]) -> list[dict[str, float]]:
    pairs = zip(forecast, later, strict=True)
    return [{"forecast": one, "later": other, "spread": 1.1} for one, other in pairs]


def test_it_stops_where_the_reward_gets_better_and_another_lead_worse() -> None:
    looks = history([1.0, 1.0, 0.9, 0.8], [2.0, 2.0, 2.1, 2.2])
    told = MONITOR.verdict(looks)
    assert told is not None
    assert "forecast has changed by -15.0%" in told
    assert told.endswith("later +7.5%")


def test_it_goes_on_where_both_get_better() -> None:
    assert MONITOR.verdict(history([1.0, 1.0, 0.9, 0.8], [2.0, 2.0, 1.9, 1.9])) is None


def test_it_goes_on_where_both_get_worse() -> None:
    """That is a bad training, and no hacking."""
    assert MONITOR.verdict(history([1.0, 1.0, 1.1, 1.1], [2.0, 2.0, 2.2, 2.2])) is None


def test_one_bad_look_does_not_stop_it() -> None:
    looks = history([1.0, 1.0, 0.9, 0.9], [2.0, 2.0, 1.95, 2.1])
    assert MONITOR.verdict(looks) is None


def test_it_waits_until_there_are_looks_at_the_start_and_at_the_end() -> None:
    assert MONITOR.verdict(history([1.0, 0.8, 0.5], [2.0, 3.0, 4.0])) is None


@pytest.mark.parametrize("held_out", [(), ("forecast",)])
def test_a_monitor_without_a_score_that_is_not_rewarded_is_refused(
    held_out: tuple[str, ...],
) -> None:
    with pytest.raises(InputError, match="name a lead or a score that is not rewarded"):
        HackingMonitor("forecast", held_out)


@pytest.mark.parametrize("tolerance", [-0.1, 1.0, math.nan])
def test_a_tolerance_that_is_no_share_is_refused(tolerance: float) -> None:
    with pytest.raises(InputError, match="expected a tolerance of 0 to below 1"):
        HackingMonitor("forecast", ("later",), tolerance=tolerance)


@pytest.mark.parametrize("look", [{"forecast": 1.0}, {"forecast": 1.0, "later": math.nan}])
def test_a_look_without_a_score_is_refused(look: dict[str, float]) -> None:
    with pytest.raises(InputError, match="expected a positive score 'later'"):
        HackingMonitor("forecast", ("later",)).verdict([look])
