"""Observations at their own times within a window, without a model in H or an adjoint.

    H(x) = Σ_s w_ks H_k(x + d_s)

with x a state at the valid time, d_s the drift of the background from there to slot s of the
window (`State.drift`), and w_k linear in time between the two slots around observation k. A method
that takes this operator as it takes any other compares every observation with the first guess at
its time (FGAT), and lets its increment persist over the window. For members of the background
x + d_s is the forecast of the member itself: the LETKF becomes the 4D-LETKF (Hunt et al. 2004,
Tellus 56A, 273-277; asynchronous observations in Hunt, Kostelich and Szunyogh 2007). Where the
increment is made of members, as in hybrid covariances, it moves as they do: see
`LatentPrior.analysed`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.atmosphere import Layout, State
from align_da.errors import InputError
from align_da.observations.batch import ObservationBatch
from align_da.observations.contract import Bind, ObservationOperator

_SECONDS = 3600


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class OwnTimesOperator:
    """H of observations within a window; fulfils `ObservationOperator`.

    Attributes:
        operator: H at the time of each observation.
        share: weight of every slot for each observation, linear in time; they sum to 1.
    """

    operator: ObservationOperator
    share: Float[Array, "slot observation"]

    def __call__(self, state: State) -> Float[Array, "*batch observation"]:
        """Model equivalents of one or more states, SI units of each observation.

        Raises:
            InputError: the state drifts through another number of slots.
        """
        if state.drift is None:
            return self.operator(state)
        slots = state.drift.shape[-4]
        if slots != self.share.shape[0]:
            message = (
                f"expected states that drift through {self.share.shape[0]} slots of the window, "
                f"got {slots}: forecast and operator have to divide the window alike"
            )
            raise InputError(message)
        equivalents = self.operator(State(state.in_slots, state.layout))
        return (self.share * equivalents).sum(axis=-2)


def at_own_times(operator_for: Bind, slots: Sequence[int]) -> Bind:
    """How to bind H to a batch whose observations are within a window.

    Times beyond the slots are taken as the nearest one; whether such an observation may be
    assimilated is the matter of `quality_control.check_window`.

    Args:
        operator_for: gives H at the time of the observations.
        slots: hours from the valid time, at equal intervals; see `slots_of_window`.
    """

    def bind(batch: ObservationBatch, layout: Layout) -> OwnTimesOperator:
        share = _linear_in_time(np.asarray(batch.time, np.float64), np.asarray(slots))
        return OwnTimesOperator(operator_for(batch, layout), jnp.asarray(share, jnp.float32))

    return bind


def slots_of_window(window_hours: int, every_hours: int) -> tuple[int, ...]:
    """Hours from the valid time to the slots of a window centred on it, both ends included.

    Args:
        window_hours: length of the window.
        every_hours: between two slots; 0 makes none.

    Raises:
        InputError: half of the window is no multiple of `every_hours`.
    """
    if every_hours == 0:
        return ()
    if every_hours < 0 or window_hours % (2 * every_hours):
        message = (
            f"expected slots whose hours divide half of the window of {window_hours} hours, which "
            f"is centred on the valid time, got {every_hours} hours"
        )
        raise InputError(message)
    half = window_hours // 2
    return tuple(range(-half, half + 1, every_hours))


def at_valid_time(operator: ObservationOperator) -> ObservationOperator:
    """H of observations whose times do not matter, as for a variance that is the same at all."""
    return operator.operator if isinstance(operator, OwnTimesOperator) else operator


def _linear_in_time(
    seconds: Float[np.ndarray, " observation"], slots: np.ndarray
) -> Float[np.ndarray, "slot observation"]:
    """Weight of every slot for each observation; one without a time is at the valid time."""
    place = np.nan_to_num(seconds) / _SECONDS
    place = np.clip(place, slots[0], slots[-1])
    spacing = slots[1] - slots[0]
    distance = np.abs(place - slots[:, None]) / spacing
    return np.asarray(np.maximum(1 - distance, 0.0))
