"""The contract of an observation operator."""

from typing import Protocol, runtime_checkable

from jaxtyping import Array, Float

from align_da.atmosphere import State


@runtime_checkable
class ObservationOperator(Protocol):
    """H: what the observing system would report if the state were true.

    An operator is bound to one `ObservationBatch` (its positions), is differentiable in the values
    of the state, and never gives NaN, not even for observations that are not used.
    """

    def __call__(self, state: State) -> Float[Array, "*batch observation"]:
        """Model equivalents of one or more states, SI units of each observation."""
        ...
