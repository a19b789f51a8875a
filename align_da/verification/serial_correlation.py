"""How long a series of scores remembers, and what it is worth in independent dates.

The memory is the autocorrelation φ of neighbouring dates, freed of the bias of a short series
(Kendall 1954, Biometrika 41: E[r₁] = φ − (1 + 4φ)/n) and, as a dozen dates hardly tell it, taken
one standard error √((1 − φ²)/n) higher. If scores remember as AR(1) does, n dates are worth

    n_e = n / (1 + 2 Σ_{k<n} (1 − k/n) φᵏ)

independent ones (Zwiers and von Storch 1995, J. Climate 8). The blocks of the bootstrap have the
length that makes the error of its variance least,

    l = (2 G² / D)^{1/3} n^{1/3},    G = Σ |k| R(k),    D = 4/3 (Σ R(k))²,

for circular blocks (Politis and White 2004, Econometric Reviews 23; corrected by Patton, Politis
and White 2009, Econometric Reviews 28): with the autocovariances R of the series under a flat-top
window, or with those of AR(1), l = (6 φ² n / (1 − φ²)²)^{1/3}, whichever is longer.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

FEWEST_DATES = 5
"""Of fewer the memory cannot be told."""


@dataclass(frozen=True)
class SerialCorrelation:
    """What the memory of a series does to the error of its mean.

    Attributes:
        block_length: dates that a bootstrap keeps together.
        effective_dates: independent dates that the series is worth, from 1 to their number.
        widening: factor of the standard error that blocks of this length give, which leave out
            what is remembered from one to the next and in a short series more.
    """

    block_length: int
    effective_dates: float
    widening: float


def serial_correlation(series: Float[np.ndarray, " date"]) -> SerialCorrelation:
    """Memory of a series at regular dates; of one shorter than `FEWEST_DATES` as of one date."""
    count = series.size
    if count < FEWEST_DATES:
        return SerialCorrelation(1, 1.0, 1.0)
    covariance = _autocovariance(series)
    memory = _memory(covariance)
    longest = max(1, math.ceil(min(3 * math.sqrt(count), count / 3)))
    wished = max(_flat_top_length(covariance), _autoregressive_length(memory, count))
    length = min(math.ceil(wished), longest)
    share = _share_of_mean(memory, count)
    widening = math.sqrt(share / _share_of_blocks(memory, count, length))
    return SerialCorrelation(length, 1 / share, widening)


def _autocovariance(series: Float[np.ndarray, " date"]) -> Float[np.ndarray, " lag"]:
    """R(k) of every lag, the sum over the dates that have one divided by all."""
    departure = series - series.mean()
    lagged = np.correlate(departure, departure, mode="full")[series.size - 1 :]
    return np.asarray(lagged / series.size)


def _memory(covariance: Float[np.ndarray, " lag"]) -> float:
    """φ at the upper end of its standard error, from 0 to just below 1."""
    count = covariance.size
    if covariance[0] <= 0:
        return 0.0
    found = (count * covariance[1] / covariance[0] + 1) / (count - 4)
    error = math.sqrt(max(1 - found**2, 0) / count)
    return float(np.clip(found + error, 0, 0.999))


def _share_of_mean(memory: float, count: int) -> float:
    """Variance of the mean of AR(1) in variances of the series."""
    lags = np.arange(1, count)
    return float((1 + 2 * ((1 - lags / count) * memory**lags).sum()) / count)


def _share_of_blocks(memory: float, count: int, length: int) -> float:
    """What circular blocks give for it in the mean: lags within a block, about the mean found."""
    lags = np.arange(length)
    around = np.where(lags > 0, lags / count * memory ** (count - lags), 0.0)
    covariance = (1 - lags / count) * memory**lags + around - _share_of_mean(memory, count)
    weights = np.where(lags > 0, 2.0, 1.0) * (1 - lags / length)
    return float((weights * covariance).sum() / count)


def _autoregressive_length(memory: float, count: int) -> float:
    """Length of circular blocks for AR(1)."""
    return float((6 * memory**2 * count) ** (1 / 3) / (1 - memory**2) ** (2 / 3))


def _flat_top_length(covariance: Float[np.ndarray, " lag"]) -> float:
    """Length of circular blocks for the autocovariances under a flat-top window.

    The window is flat up to the first lag after which five correlations are within
    2 √(log₁₀ n / n) of zero, and falls to zero at twice that lag.
    """
    count, alike = covariance.size, 5
    if covariance[0] <= 0:
        return 1.0
    most = min(math.ceil(math.sqrt(count)) + alike, count - 1)
    small = np.abs(covariance[1 : most + 1]) < covariance[0] * 2 * math.sqrt(
        math.log10(count) / count
    )
    starts = (lag for lag in range(most - alike + 1) if small[lag : lag + alike].all())
    flat = next(starts, most)
    end = min(2 * max(flat, 1), most)
    lags = np.arange(1, end + 1)
    weighted = np.minimum(1.0, 2 * (1 - lags / end)) * covariance[1 : end + 1]
    slope, sum_of_all = 2 * (lags * weighted).sum(), covariance[0] + 2 * weighted.sum()
    if sum_of_all == 0:
        return 1.0
    return float((1.5 * (slope / sum_of_all) ** 2 * count) ** (1 / 3))
