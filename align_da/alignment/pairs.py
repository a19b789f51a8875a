"""Preference pairs: which candidate is preferred to which.

Within a case the winners are in the top quantile of *all* rewards and the losers in the bottom
quantile of all (the multi-reward set of Align-DA, arXiv:2505.22008). Where that leaves no pair,
winners are the first and losers the last front of the non-dominated sorting (CaPO, Lee et al.
2025, arXiv:2502.02588). Either way the chosen of a pair dominates the rejected: no reward
disagrees. A case whose rewards contradict each other for every two candidates gives no pair. With
one reward (physics only) the winners are its top k, the losers its bottom k.
"""

from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from align_da.errors import InputError
from align_da.keys import Purpose, key_for


@dataclass(frozen=True)
class PreferencePairs:
    """Pairs of candidates of the same case; no pair occurs twice.

    Attributes:
        case: place of the case on the case axis, [pair].
        chosen: place of the preferred candidate in its case, [pair].
        rejected: place of the other, [pair].
        margin: win-rate difference, mean over rewards, dimensionless, within (0, 1], [pair].
        joint: whether both stood in the quantiles of all rewards, not only in fronts, [pair].
    """

    case: Int[np.ndarray, " pair"]
    chosen: Int[np.ndarray, " pair"]
    rejected: Int[np.ndarray, " pair"]
    margin: Float[np.ndarray, " pair"]
    joint: Bool[np.ndarray, " pair"]

    def __len__(self) -> int:
        return len(self.case)

    def where(self, kept: Bool[np.ndarray, " pair"]) -> "PreferencePairs":
        """The pairs that are kept, for example those of some cases."""
        return PreferencePairs(
            self.case[kept],
            self.chosen[kept],
            self.rejected[kept],
            self.margin[kept],
            self.joint[kept],
        )


def select_pairs(
    rewards: Float[np.ndarray, "case candidate reward"], *, quantile: float, count: int, seed: int
) -> PreferencePairs:
    """Choose preference pairs, evenly over the cases and at random within each.

    Args:
        rewards: higher is better; one column for a set that follows one reward alone.
        quantile: share of the group that wins and share that loses, within (0, 0.5].
        count: most pairs altogether; the first pair of every case goes before the second of any.
        seed: seed of the run; the purpose of the key is PREFERENCE_PAIRS.

    Raises:
        InputError: a reward is not finite, or no case prefers any candidate to another.
    """
    rewards = np.asarray(rewards)
    if not np.isfinite(rewards).all():
        message = "expected finite rewards, got NaN or infinity: score the candidates again"
        raise InputError(message)
    rates = win_rates(rewards)
    preferred = dominates(rewards)
    joint = preferred & _outer(
        np.all(rates >= 1 - quantile, axis=-1), np.all(rates <= quantile, axis=-1)
    )
    depth = front_of(preferred)
    last = depth == depth.max(axis=1, keepdims=True)
    fronts = preferred & _outer(depth == 0, last)
    has_joint = joint.any(axis=(1, 2))
    eligible = np.where(has_joint[:, None, None], joint, fronts)
    case, chosen, rejected = _stratified(eligible, count, key_for(seed, Purpose.PREFERENCE_PAIRS))
    if case.size == 0:
        message = f"no pair: in {len(rewards)} cases no candidate is better in all rewards"
        raise InputError(message)
    margin = (rates[case, chosen] - rates[case, rejected]).mean(axis=-1)
    return PreferencePairs(case, chosen, rejected, margin, has_joint[case])


def win_rates(
    rewards: Float[np.ndarray, "case candidate reward"],
) -> Float[np.ndarray, "case candidate reward"]:
    """Share of the group that a candidate beats in each reward, a tie counting half."""
    difference = rewards[:, :, None] - rewards[:, None, :]
    wins = (difference > 0) + 0.5 * (difference == 0)
    return np.asarray((wins.sum(axis=2) - 0.5) / (rewards.shape[1] - 1))


def dominates(
    rewards: Float[np.ndarray, "case candidate reward"],
) -> Bool[np.ndarray, "case candidate candidate"]:
    """[c, i, j]: candidate i is nowhere worse than j and somewhere better (Pareto)."""
    difference = rewards[:, :, None] - rewards[:, None, :]
    return np.asarray(np.all(difference >= 0, axis=-1) & np.any(difference > 0, axis=-1))


def front_of(
    preferred: Bool[np.ndarray, "case candidate candidate"],
) -> Int[np.ndarray, "case candidate"]:
    """Front of each candidate in the non-dominated sorting, 0 the best.

    That is the longest chain of candidates above it, found by relaxation.
    """
    depth = np.zeros(preferred.shape[:2], int)
    for _ in range(preferred.shape[1]):
        depth = np.where(preferred, depth[:, :, None] + 1, 0).max(axis=1)
    return depth


def _outer(
    winners: Bool[np.ndarray, "case candidate"], losers: Bool[np.ndarray, "case candidate"]
) -> Bool[np.ndarray, "case candidate candidate"]:
    """Every winner with every loser."""
    return np.asarray(winners[:, :, None] & losers[:, None, :])


def _stratified(
    eligible: Bool[np.ndarray, "case candidate candidate"], count: int, key: jax.Array
) -> tuple[Int[np.ndarray, " pair"], Int[np.ndarray, " pair"], Int[np.ndarray, " pair"]]:
    """At most `count` eligible pairs: each case in turn gives one that it draws at random."""
    case, chosen, rejected = np.nonzero(eligible)
    draw = np.asarray(jax.random.uniform(key, eligible.shape))[case, chosen, rejected]
    order = np.lexsort((draw, case))
    case, chosen, rejected, draw = (a[order] for a in (case, chosen, rejected, draw))
    place_in_case = np.arange(case.size) - np.searchsorted(case, case)
    turns = np.lexsort((draw, place_in_case))[:count]
    return case[turns], chosen[turns], rejected[turns]
