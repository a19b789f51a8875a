"""The contract of a reward: candidates of one case in, one number a candidate out."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Array, Float

from align_da.atmosphere import State


@dataclass(frozen=True)
class Case:
    """One background whose analysis the prior is asked for, with the truth that judges it.

    Attributes:
        background: values [lat, lon, channel], SI units.
        truth: at analysis time, likewise.
        valid_time: analysis time.
        truth_at_lead: truth at the lead of the forecast reward, likewise.
        background_lead_hours: age of the background forecast in hours.
    """

    background: State
    truth: State
    valid_time: np.datetime64
    truth_at_lead: State
    background_lead_hours: float


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

    def __call__(self, candidates: State, case: Case) -> Float[Array, " candidate"]:
        """One finite number a candidate; unit and range are told by the implementation.

        Args:
            candidates: values [candidate, lat, lon, channel], SI units; at least two.
            case: what they are candidates for.
        """
        ...
