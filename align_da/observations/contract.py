"""The contracts of observation operators and of observation errors."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from jaxtyping import Array, Bool, Float

from align_da.atmosphere import Layout, State
from align_da.checks import in_brief
from align_da.errors import InputError
from align_da.observations.batch import ObservationBatch


@runtime_checkable
class ObservationOperator(Protocol):
    """H: what the observing system would report if the state were true.

    An operator is bound to one `ObservationBatch` (its positions), is differentiable in the values
    of the state, and never gives NaN, not even for observations that are not used.
    """

    def __call__(self, state: State) -> Float[Array, "*batch observation"]:
        """Model equivalents of one or more states, SI units of each observation."""
        ...


@runtime_checkable
class GaussianErrors(Protocol):
    """Observation errors that are Gaussian and correlated: what R holds beside its diagonal.

    A frozen dataclass and a pytree. Observations that are not used are marginalised: only the rows
    and columns of R that belong to used ones count, and NaN in the others is not seen.
    """

    def whiten(
        self,
        departure: Float[Array, " observation"],
        variance: Float[Array, " observation"],
        used: Bool[Array, " observation"],
    ) -> Float[Array, " observation"]:
        """W d with Wᵀ W = R⁻¹ of the used observations; linear in d.

        Args:
            departure: d, units of the observations, 0 where an observation is not used.
            variance: the diagonal of R, squared units.
            used: which observations count.
        """
        ...

    def correlation(
        self, variance: Float[Array, " observation"], used: Bool[Array, " observation"]
    ) -> Float[Array, "observation observation"]:
        """The correlation matrix of the used errors; rows of the others are those of I."""
        ...


@runtime_checkable
class RobustErrors(Protocol):
    """Independent observation errors with long tails. A frozen dataclass and a pytree."""

    def weight(self, residual: Float[Array, " observation"]) -> Float[Array, " observation"]:
        """ψ(r) / r: slope of −log p over that of a Gaussian, r a residual over its √R."""
        ...


ObservationErrors = GaussianErrors | RobustErrors
"""How observation errors differ from independent Gaussian ones."""


Bind = Callable[[ObservationBatch, Layout], ObservationOperator]
"""How an operator is bound to a batch."""


def check_operator_for(given: object) -> None:
    """Raise an InputError unless `given` may be asked for the H of the observations of a cycle."""
    if isinstance(given, type) or not callable(given):
        message = (
            "operator_for: expected a function of an ObservationBatch and a Layout, such as "
            f"interpolation_operator or the `bind` of a FunctionOperator, got {in_brief(given)}"
        )
        raise InputError(message)


ErrorsFor = Callable[[ObservationBatch], ObservationErrors]
"""The errors of the observations of a cycle, as R depends on where they are."""
