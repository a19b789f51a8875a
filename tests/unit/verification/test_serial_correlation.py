import math

import numpy as np
import pytest
from scipy.signal import lfilter

from align_da.verification.serial_correlation import serial_correlation


def _autoregressive(dates: int, memory: float, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=dates + 200)
    return np.asarray(lfilter([1], [1, -memory], noise)[200:])


@pytest.mark.parametrize("memory", [0.3, 0.6, 0.8])
def test_blocks_have_the_length_of_the_closed_form_for_ar1(memory: float) -> None:
    dates = 8000
    closed = (6 * memory**2 / (1 - memory**2) ** 2 * dates) ** (1 / 3)
    found = [
        serial_correlation(_autoregressive(dates, memory, seed)).block_length for seed in range(5)
    ]
    assert np.mean(found) == pytest.approx(closed, rel=0.2)


def test_blocks_are_longer_where_a_slow_part_hides_under_white_noise() -> None:
    # r₁ = 0.45 of this series; AR(1) with as much would have blocks of 15.
    noise = np.random.default_rng(3).normal(size=4000)
    slow = _autoregressive(4000, 0.9, seed=1)
    assert serial_correlation(slow / slow.std() + noise).block_length > 30


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
def test_effective_dates_are_those_of_ar1(memory: float) -> None:
    dates = 4000
    found = serial_correlation(_autoregressive(dates, memory, seed=0)).effective_dates
    # The memory is taken a standard error high: for 0.9 that takes a tenth off.
    assert found == pytest.approx(dates * (1 - memory) / (1 + memory), rel=0.2)


@pytest.mark.parametrize(("dates", "memory"), [(60, 0.5), (60, 0.8), (240, 0.9)])
def test_the_widening_gives_circular_blocks_the_variance_of_the_mean(
    dates: int, memory: float
) -> None:
    found = np.stack([_autoregressive(dates, memory, seed) for seed in range(2000)])
    blocks, widened = [], []
    for series in found:
        told = serial_correlation(series)
        wrapped = np.concatenate([series, series[: told.block_length - 1]]) - series.mean()
        sums = np.convolve(wrapped, np.ones(told.block_length), mode="valid")
        blocks.append((sums**2).mean() / (told.block_length * dates))
        widened.append(blocks[-1] * told.widening**2)
    variance = found.mean(axis=1).var()
    assert np.median(blocks) < 0.85 * variance
    assert np.median(widened) == pytest.approx(variance, rel=0.35)
    assert np.median(widened) > np.median(blocks)


def test_a_series_without_variance_or_of_few_dates_is_told_as_such() -> None:
    constant, short = serial_correlation(np.ones(30)), serial_correlation(np.asarray([1.0, 2, 3]))
    assert (constant.block_length, constant.effective_dates) == (1, 30)
    assert math.isclose(constant.widening, math.sqrt(1 / (1 - 1 / 30)))
    assert (short.block_length, short.effective_dates) == (1, 1.0)
