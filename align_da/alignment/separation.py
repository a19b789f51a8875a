"""How well a score separates candidates, so that the lead of the forecast reward is measured.

A forecast amplifies what distinguishes two candidates, and adds model error that is common to all.
Each candidate's relative error is measured by several replicates r (channels, or regions). Two-way
analysis of variance without interaction splits

    score[n, r] = mean + candidate[n] + replicate[r] + noise[n, r],

and the variance of `candidate` over that of `noise` is the ratio of signal to noise. The rank
stability asks the same of the order alone: Spearman's correlation between the candidates' order by
one half of the replicates and by the other.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from align_da.errors import InputError


@dataclass(frozen=True)
class Separation:
    """How candidates separate at each lead; every entry is dimensionless.

    Attributes:
        lead_hours: the leads.
        spread: relative standard deviation of the candidates' mean scores, noise removed, [lead].
        signal_to_noise: variance between candidates over that of the noise, [lead].
        rank_stability: mean over cases of the correlation of ranks, within [-1, 1], [lead].
    """

    lead_hours: tuple[int, ...]
    spread: Float[np.ndarray, " lead"]
    signal_to_noise: Float[np.ndarray, " lead"]
    rank_stability: Float[np.ndarray, " lead"]


def separation_by_lead(
    lead_hours: tuple[int, ...], scores: Float[np.ndarray, "lead case candidate replicate"]
) -> Separation:
    """Measure how well scores separate candidates at each lead.

    Args:
        lead_hours: the leads.
        scores: relative errors (`align_da.alignment.rewards.win_rate.relative_to_group`), or any
            score that is comparable over replicates.

    Raises:
        InputError: too few candidates or replicates, other leads, or a score that is not finite.
    """
    leads, _, candidates, replicates = scores.shape
    if leads != len(lead_hours) or candidates < 2 or replicates < 2:
        message = (
            f"expected scores of {len(lead_hours)} leads, at least 2 candidates and 2 replicates, "
            f"got shape {scores.shape}"
        )
        raise InputError(message)
    if not np.isfinite(scores).all():
        message = "expected finite scores: drop the leads at which a forecast failed"
        raise InputError(message)
    signal, noise = _variance_components(np.asarray(scores, np.float64))
    halves = (_ranks(scores[..., half::2].mean(axis=-1)) for half in range(2))
    return Separation(
        lead_hours,
        np.sqrt(signal),
        np.divide(signal, noise, out=np.where(signal > 0, np.inf, 0.0), where=noise > 0),
        _correlation(*halves).mean(axis=-1),
    )


def _variance_components(
    scores: Float[np.ndarray, "lead case candidate replicate"],
) -> tuple[Float[np.ndarray, " lead"], Float[np.ndarray, " lead"]]:
    """Variance between candidates and of the noise, averaged over cases."""
    candidates, replicates = scores.shape[-2:]
    by_candidate = scores.mean(axis=-1, keepdims=True)
    by_replicate = scores.mean(axis=-2, keepdims=True)
    mean = scores.mean(axis=(-2, -1), keepdims=True)
    residual = scores - by_candidate - by_replicate + mean
    freedom = (candidates - 1) * (replicates - 1)
    noise = np.square(residual).sum(axis=(-2, -1)).mean(axis=-1) / freedom
    between = by_candidate.var(axis=(-2, -1), ddof=1).mean(axis=-1)
    return np.maximum(between - noise / replicates, 0.0), noise


def _ranks(scores: Float[np.ndarray, "*case candidate"]) -> Int[np.ndarray, "*case candidate"]:
    """Place of each candidate in its group, 0 the lowest."""
    return np.argsort(np.argsort(scores, axis=-1), axis=-1)


def _correlation(
    first: Int[np.ndarray, "*case candidate"], second: Int[np.ndarray, "*case candidate"]
) -> Float[np.ndarray, "*case"]:
    """Correlation over candidates of two permutations of the same ranks."""
    middle = (first.shape[-1] - 1) / 2
    product = (first - middle) * (second - middle)
    return np.asarray(product.sum(axis=-1) / np.square(first - middle).sum(axis=-1))
