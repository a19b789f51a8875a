"""An observation operator of a function: what is observed of one state, in JAX."""

from collections.abc import Callable
from dataclasses import dataclass, field

import jax
from jaxtyping import Array, Float

from align_da.atmosphere import Layout, State
from align_da.observations.batch import ObservationBatch


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class FunctionOperator:
    """An `ObservationOperator` that is the same for every batch.

    Attributes:
        function: from the values of one state, [lat, lon, channel] in SI units, to the equivalent
            of every observation in their order. It must be traceable by JAX and finite.
    """

    function: Callable[[Float[Array, "lat lon channel"]], Float[Array, " observation"]] = field(
        metadata={"static": True}
    )

    def __call__(self, state: State) -> Float[Array, "*batch observation"]:
        """Model equivalents of one or more states, SI units of each observation."""
        values, observe = state.values, self.function
        for _ in values.shape[:-3]:
            observe = jax.vmap(observe)
        return observe(values)

    def bind(self, observations: ObservationBatch, layout: Layout) -> "FunctionOperator":
        """Itself: how a method asks for the operator of the observations of a cycle."""
        return self
