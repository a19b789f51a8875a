"""Whether two methods differ: date-paired block bootstrap of their per-date scores.

Scores of neighbouring cycles are correlated, so blocks of consecutive dates are drawn, wrapped
around the end (circular block bootstrap, Politis and Romano 1992), the same for both methods.

A plain percentile interval of few blocks is too narrow. As Hesterberg 2015
(What teachers should know about the bootstrap, Am. Stat. 69) expands the percentiles of an
independent sample, so are they expanded here with n = number of blocks:

    tail = Φ(−sqrt(n / (n − 1)) t_{n−1}),      t_{n−1} the Student quantile of the level.

Below three blocks nothing can be said: the interval is the whole line.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import jax
import numpy as np
from jaxtyping import Float, Int

from align_da.errors import InputError

Verdict = Literal["better", "worse", "no difference"]
_LEVEL = 0.95
_FEWEST_BLOCKS = 3


@dataclass(frozen=True)
class Bootstrap:
    """A moving-block bootstrap over dates.

    Attributes:
        samples: how often dates are drawn.
        block_length: dates that stay together.
    """

    samples: int = 1000
    block_length: int = 4


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval, in the unit of the estimate."""

    estimate: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether zero lies outside the interval."""
        return self.low > 0 or self.high < 0


def mean_difference(
    new: Float[np.ndarray, " date"],
    old: Float[np.ndarray, " reference_date"],
    bootstrap: Bootstrap,
    key: jax.Array,
) -> Interval:
    """Mean of new − old with its 95 % interval, unit of the scores.

    Args:
        new: score of the method at each date, in order of date.
        old: score of the reference at the same dates.
        bootstrap: how dates are drawn again.
        key: of `Purpose.VERIFICATION`; the same key draws the same dates.

    Raises:
        InputError: the dates do not pair, or a score is not finite.
    """
    new, old = _paired(new, old)
    estimate = float((new - old).mean())
    dates = resampled_dates(new.size, bootstrap.samples, bootstrap.block_length, key)
    return _interval(estimate, (new - old)[dates].mean(axis=1), new.size / bootstrap.block_length)


def improvement(
    new: Float[np.ndarray, " date"],
    old: Float[np.ndarray, " reference_date"],
    bootstrap: Bootstrap,
    key: jax.Array,
) -> Interval:
    """Improvement 1 − mean(new) / mean(old) with its 95 % interval, dimensionless.

    For scores where lower is better; 0.1 is "10 % better than the reference". Arguments and errors
    as in `mean_difference`; scores must be positive.
    """
    new, old = _paired(new, old)
    if min(new.min(), old.min()) < 0 or old.mean() == 0:
        message = (
            "an improvement needs scores that are not negative and a reference above zero, got "
            f"smallest values {new.min()} and {old.min()}: use mean_difference"
        )
        raise InputError(message)
    estimate = float(1 - new.mean() / old.mean())
    dates = resampled_dates(new.size, bootstrap.samples, bootstrap.block_length, key)
    denominators = np.maximum(old[dates].mean(axis=1), np.finfo(float).tiny)
    ratios = 1 - new[dates].mean(axis=1) / denominators
    return _interval(estimate, ratios, new.size / bootstrap.block_length)


def verdict(gain: Interval) -> Verdict:
    """What an interval of a gain (positive is better) says: a difference only if 0 is excluded."""
    if not gain.excludes_zero:
        return "no difference"
    return "better" if gain.estimate > 0 else "worse"


def resampled_dates(
    dates: int, samples: int, block_length: int, key: jax.Array
) -> Int[np.ndarray, "sample date"]:
    """Indices of the dates of every bootstrap sample, in circular blocks."""
    length = min(block_length, dates)
    blocks = math.ceil(dates / length)
    starts = np.asarray(jax.random.randint(key, (samples, blocks, 1), 0, dates))
    indices = (starts + np.arange(length)) % dates
    return np.asarray(indices.reshape(samples, -1)[:, :dates])


def _paired(
    new: Float[np.ndarray, " date"], old: Float[np.ndarray, " reference_date"]
) -> tuple[Float[np.ndarray, " date"], Float[np.ndarray, " date"]]:
    """Both series in double precision, checked."""
    new, old = np.asarray(new, np.float64), np.asarray(old, np.float64)
    if new.ndim != 1 or new.shape != old.shape or new.size == 0:
        message = f"expected two series over the same dates, got {new.shape} and {old.shape}"
        raise InputError(message)
    if not (np.isfinite(new).all() and np.isfinite(old).all()):
        message = "expected finite scores, got nan or inf: leave the score out for both methods"
        raise InputError(message)
    return new, old


def _interval(
    estimate: float, replicates: Float[np.ndarray, " sample"], blocks: float
) -> Interval:
    """Expanded percentile interval."""
    if blocks < _FEWEST_BLOCKS:
        return Interval(estimate, -math.inf, math.inf)
    quantile = math.sqrt(blocks / (blocks - 1)) * _student_quantile(blocks - 1)
    tail = NormalDist().cdf(-quantile)
    low, high = np.quantile(replicates, [tail, 1 - tail])
    return Interval(estimate, float(low), float(high))


def _student_quantile(freedom: float) -> float:
    """Upper Student quantile of the level (Abramowitz and Stegun 26.7.5, to 1/freedom³)."""
    z = NormalDist().inv_cdf(0.5 + _LEVEL / 2)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
