"""The contract of a reward: candidates of one case in, one number a candidate out."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.atmosphere import State


@dataclass(frozen=True)
class AlignmentCase:
    """One background whose analysis the prior is asked for, with the truth that judges it.

    Attributes:
        background: values [lat, lon, channel], SI units.
        truth: at analysis time, likewise.
        valid_time: analysis time.
        truth_at_lead: truth at the lead of the forecast reward, likewise.
        background_lead_hours: age of the background forecast in hours.
        truth_before: truth one step of the forecast model before analysis time, likewise, where
            that model takes two frames and it is known.
    """

    background: State
    truth: State
    valid_time: np.datetime64
    truth_at_lead: State
    background_lead_hours: float
    truth_before: State | None = None

    def frames_before(self, count: int) -> State | None:
        """`truth_before` for each of `count` candidates, [candidate, lat, lon, channel]."""
        if self.truth_before is None:
            return None
        values = self.truth_before.values
        return State(jnp.broadcast_to(values, (count, *values.shape)), self.truth_before.layout)


@runtime_checkable
class Reward(Protocol):
    """Judges a group of candidate analyses of one case; higher is better.

    The numbers compare candidates within one call only, and follow the candidates when these are
    reordered.
    """

    @property
    def name(self) -> str:
        """Name in the configuration and in results."""
        ...

    @property
    def differentiable(self) -> bool:
        """Whether JAX derivatives flow from the score to the candidates."""
        ...

    def __call__(self, candidates: State, case: AlignmentCase) -> Float[Array, " candidate"]:
        """One finite number a candidate; unit and range are told by the implementation.

        Args:
            candidates: values [candidate, lat, lon, channel], SI units; at least two.
            case: what they are candidates for.
        """
        ...
