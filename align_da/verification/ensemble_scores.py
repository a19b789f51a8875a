"""Scores of an ensemble: fair CRPS, spread, spread-skill ratio, rank histogram.

With X the M members and t the truth at a point,

    fair CRPS = mean_m |X_m − t| − 1/(M (M − 1)) Σ_k (2k − M − 1) X_(k),      X_(1) ≤ ... ≤ X_(M),

the probability-weighted-moment form (Zamo and Naveau 2018, Math. Geosci. 50), unbiased
for a small ensemble. The spread is compared with the error of the mean as in Fortin et al. 2014
(J. Hydrometeor. 15):

    ratio = sqrt((M + 1) / M) sqrt(mean variance, ddof = 1) / sqrt(mean squared error of the mean).

Both take members for independent draws. Those of most analyses are not: the noise of the members
has no mean, and theirs is that of the distribution. Around it they spread by √(1 − 1/M) too little
to be draws, though their differences are those of draws, and its error has no part of sampling. Of
such centred members X_m − X̄ is multiplied by √(M / (M − 1)) in the first term of the CRPS, and the
spread is compared without √((M + 1) / M). That gives what independent draws have in the mean:
exactly where errors are Gaussian, 4 to 8 % too much for the 8 to 4 members of an exponential
distribution. Taken for independent, four Gaussian members have a CRPS 13 % too low.

One member is no ensemble: its CRPS is the absolute error and it has no spread (None).
"""

from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from align_da.errors import InputError


def fair_crps(
    ensemble: Float[Array | np.ndarray, "member *point"],
    truth: Float[Array | np.ndarray, "*point"],
    *,
    centred: bool = False,
) -> Float[np.ndarray, "*point"]:
    """Fair continuous ranked probability score at each point, unit of the field, lower is better.

    A point can be slightly negative, as the fair score is unbiased and not positive.

    Args:
        ensemble: members.
        truth: what happened.
        centred: the mean of the members has no sampling error; they are scored as independent
            draws would be.
    """
    members = np.sort(np.asarray(ensemble, np.float64), axis=0)
    count = members.shape[0]
    draws = _widened(members) if centred and count > 1 else members
    error = np.abs(draws - np.asarray(truth, np.float64)).mean(axis=0)
    if count == 1:
        return np.asarray(error)
    weights = (2 * np.arange(1, count + 1) - count - 1) / (count * (count - 1))
    return np.asarray(error - np.tensordot(weights, members, axes=1))


def _widened(members: Float[np.ndarray, "member *point"]) -> Float[np.ndarray, "member *point"]:
    """Centred members as far from their mean as independent draws are from the true one."""
    count, mean = members.shape[0], members.mean(axis=0)
    return np.asarray(mean + np.sqrt(count / (count - 1)) * (members - mean))


def ensemble_variance(
    ensemble: Float[Array | np.ndarray, "member *point"],
) -> Float[np.ndarray, "*point"] | None:
    """Unbiased variance of the members (ddof 1), unit squared; None of one member."""
    members = np.asarray(ensemble, np.float64)
    if members.shape[0] == 1:
        return None
    return np.asarray(members.var(axis=0, ddof=1))


def comparable_spread(mean_variance: float, members: int, *, centred: bool = False) -> float:
    """Spread that equals the RMSE of the mean of a reliable ensemble, unit of the field.

    Args:
        mean_variance: mean over area (and dates) of the unbiased variance, unit squared.
        members: number of members M; the spread is inflated by sqrt((M + 1) / M).
        centred: the mean of the members has no sampling error; nothing is inflated.

    Raises:
        InputError: fewer than two members, which have no spread.
    """
    if members < 2:
        message = f"expected at least 2 members to have a spread, got {members}"
        raise InputError(message)
    inflation = 1.0 if centred else (members + 1) / members
    return float(np.sqrt(inflation * mean_variance))


def rank_histogram(
    ensemble: Float[Array | np.ndarray, "member *point"],
    truth: Float[Array | np.ndarray, "*point"],
    key: jax.Array,
) -> Int[np.ndarray, " rank"]:
    """How often the truth takes each rank among the members.

    Args:
        ensemble: members; in observation space add draws of the observation error first.
        truth: what happened.
        key: breaks ties at random (humidity is often exactly zero), so that they do not fill the
            first rank.

    Returns:
        Counts of the M + 1 ranks.
    """
    members, value = np.asarray(ensemble), np.asarray(truth)
    below = (members < value).sum(axis=0)
    ties = (members == value).sum(axis=0)
    draw = np.asarray(jax.random.uniform(key, value.shape), np.float64)
    rank = below + np.floor(draw * (ties + 1)).astype(int)
    return np.bincount(rank.ravel(), minlength=members.shape[0] + 1)


@dataclass(frozen=True)
class ChiSquare:
    """Pearson's test of a flat rank histogram.

    Attributes:
        statistic: Σ (count − expected)² / expected.
        degrees_of_freedom: number of ranks − 1.
        p_value: chance of a larger statistic if the histogram is flat. Counts must be
            independent: thin neighbouring points and dates before trusting it.
    """

    statistic: float
    degrees_of_freedom: int
    p_value: float


def flatness(counts: Int[np.ndarray, " rank"]) -> ChiSquare:
    """Chi-square test of a flat rank histogram.

    Raises:
        InputError: no counts.
    """
    if counts.sum() == 0:
        message = f"expected a rank histogram with counts, got {counts}"
        raise InputError(message)
    expected = counts.sum() / counts.size
    statistic = float(((counts - expected) ** 2 / expected).sum())
    freedom = counts.size - 1
    p_value = float(jax.scipy.stats.chi2.sf(statistic, freedom))
    return ChiSquare(statistic, freedom, p_value)
