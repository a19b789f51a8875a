"""Accuracy: how often a candidate is nearer to the truth than the others of its group."""

from dataclasses import dataclass

from jaxtyping import Array, Float

from align_da.alignment.contract import AlignmentCase
from align_da.alignment.rewards.win_rate import rmse_win_rate
from align_da.atmosphere import State


@dataclass(frozen=True)
class AccuracyReward:
    """Win rate by RMSE at analysis time; dimensionless, within (0, 1), 1/2 for a middling draw.

    A single draw wins by losing spread (the mean of the group beats its members), so the spread
    has to be watched, see `align_da.alignment.evaluation`.
    """

    name: str = "accuracy"
    differentiable: bool = True

    def __call__(self, candidates: State, case: AlignmentCase) -> Float[Array, " candidate"]:
        """Score a group, see `Reward`.

        Raises:
            BadStateError: no candidate is finite.
        """
        return rmse_win_rate(candidates, case.truth)
