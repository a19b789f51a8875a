import math

import numpy as np
import pytest

from align_da.errors import InputError
from align_da.keys import Purpose, key_for
from align_da.verification.significance import (
    Bootstrap,
    Interval,
    improvement,
    mean_difference,
    resampled_dates,
    verdict,
)

KEY = key_for(0, Purpose.VERIFICATION)
BOOTSTRAP = Bootstrap(samples=400)


def _autoregressive(trials: int, dates: int, memory: float) -> np.ndarray:
    """AR(1) series of mean 0 and variance 1, started from their stationary distribution."""
    noise = np.random.default_rng(11).normal(size=(trials, dates))
    series = np.empty_like(noise)
    series[:, 0] = noise[:, 0]
    for date in range(1, dates):
        series[:, date] = memory * series[:, date - 1] + math.sqrt(1 - memory**2) * noise[:, date]
    return series


def _coverage(series: np.ndarray, bootstrap: Bootstrap) -> float:
    """How often the interval of the mean contains the true mean, 0."""
    intervals = [
        mean_difference(
            row, np.zeros_like(row), bootstrap, key_for(0, Purpose.VERIFICATION, trial)
        )
        for trial, row in enumerate(series)
    ]
    return float(np.mean([not interval.excludes_zero for interval in intervals]))


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.7, 0.9])
@pytest.mark.parametrize("dates", [12, 60, 120, 480])
def test_intervals_cover_the_true_mean_nearly_as_often_as_they_say(
    dates: int, memory: float
) -> None:
    # Fixed blocks of four cover 57 to 91 % where the memory is 0.5 or more.
    trials = 80 if dates == 480 else 150
    series = _autoregressive(trials, dates, memory)
    covered = _coverage(series, Bootstrap(samples=200))
    lowest = 0.86 if dates == 12 else 0.90  # 0.90 to 0.95 in 1000 trials, less two standard errors
    assert lowest <= covered <= 0.99


def test_intervals_of_independent_scores_are_hardly_wider_than_those_of_student() -> None:
    series = _autoregressive(trials=40, dates=120, memory=0.0)
    found = [mean_difference(row, np.zeros_like(row), BOOTSTRAP, KEY) for row in series]
    width = np.median([interval.high - interval.low for interval in found])
    assert width == pytest.approx(2 * 1.98 / math.sqrt(120), rel=0.1)


def test_of_few_dates_that_remember_nothing_is_said() -> None:
    trend = np.linspace(1.0, 2.0, 12)
    interval = mean_difference(trend, np.zeros(12), BOOTSTRAP, KEY)
    assert interval.effective_dates < 2
    assert (interval.low, interval.high) == (-math.inf, math.inf)


def test_an_interval_says_how_long_its_blocks_are_and_what_its_dates_are_worth() -> None:
    short, long = (
        mean_difference(row, np.zeros(480), BOOTSTRAP, KEY)
        for row in (_autoregressive(1, 480, memory)[0] for memory in (0.0, 0.9))
    )
    assert short.block_length < long.block_length
    assert short.effective_dates > 300
    assert long.effective_dates == pytest.approx(480 / 19, rel=0.5)  # (1 + φ) / (1 − φ) = 19


def test_improvement_is_one_less_the_ratio_of_the_means() -> None:
    old = 1 + np.random.default_rng(0).uniform(size=40)
    interval = improvement(0.8 * old, old, BOOTSTRAP, KEY)
    assert interval.estimate == pytest.approx(0.2)
    assert interval.low == pytest.approx(0.2)
    assert interval.high == pytest.approx(0.2)
    assert verdict(interval) == "better"
    assert verdict(improvement(old, 0.8 * old, BOOTSTRAP, KEY)) == "worse"


def test_pairing_by_date_finds_a_small_gain_under_large_weather() -> None:
    generator = np.random.default_rng(4)
    weather = generator.uniform(1, 3, size=80)
    new = weather - 0.02 + 0.02 * generator.normal(size=80)
    interval = mean_difference(new, weather, BOOTSTRAP, KEY)
    assert interval.excludes_zero
    shuffled = mean_difference(new, generator.permutation(weather), BOOTSTRAP, KEY)
    assert not shuffled.excludes_zero


def test_an_interval_that_holds_zero_is_no_difference() -> None:
    assert verdict(Interval(0.1, -0.1, 0.3, 4, 20.0)) == "no difference"


def test_fewer_than_five_dates_say_nothing() -> None:
    interval = mean_difference(np.ones(4), np.zeros(4), BOOTSTRAP, KEY)
    assert (interval.estimate, interval.low, interval.high) == (1.0, -math.inf, math.inf)
    assert not interval.excludes_zero


def test_dates_are_drawn_in_circular_blocks_and_repeat_with_the_key() -> None:
    dates = resampled_dates(10, samples=50, block_length=4, key=KEY)
    assert dates.shape == (50, 10)
    np.testing.assert_array_equal(np.diff(dates[:, :4], axis=1) % 10, 1)
    np.testing.assert_array_equal(dates, resampled_dates(10, 50, 4, KEY))
    assert len(np.unique(dates)) == 10


@pytest.mark.parametrize(
    ("new", "old", "reason"),
    [
        (np.ones(3), np.ones(4), "same dates"),
        (np.ones(0), np.ones(0), "same dates"),
        (np.asarray([1.0, np.nan]), np.ones(2), "finite"),
        (np.ones(2), np.zeros(2), "above zero"),
        (-np.ones(2), np.ones(2), "not negative"),
    ],
)
def test_scores_that_cannot_be_compared_are_refused(
    new: np.ndarray, old: np.ndarray, reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        improvement(new, old, BOOTSTRAP, KEY)
