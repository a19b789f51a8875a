"""A reward: how smooth the increment of a candidate is."""

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.alignment.contract import AlignmentCase, Reward
from align_da.atmosphere import State
from align_da.runs.rewards import RewardInputs


@dataclass(frozen=True)
class SmoothnessReward:
    """Minus the roughness of the increment, each channel in units of its own size; at most 0."""

    name: str = "smoothness"
    differentiable: bool = True

    def __call__(self, candidates: State, case: AlignmentCase) -> Float[Array, " candidate"]:
        """One number a candidate."""
        increment = candidates.values - case.background.values
        rough = jnp.diff(increment, axis=2) / jnp.std(increment, axis=(0, 1, 2))
        return -jnp.mean(rough**2, axis=(1, 2, 3))


def build(_: RewardInputs) -> Reward:
    """The reward."""
    return SmoothnessReward()
