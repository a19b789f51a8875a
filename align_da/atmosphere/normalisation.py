"""Standardisation of channels: zero mean and unit climatological standard deviation."""

from dataclasses import dataclass

import jax
from jaxtyping import Array, Float

from align_da.atmosphere.state import State


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Normalisation:
    """Climatological mean and standard deviation of every channel.

    Attributes:
        mean: [channel], SI units.
        std: [channel], SI units, positive.
    """

    mean: Float[Array, " channel"]
    std: Float[Array, " channel"]

    def normalise(self, state: State) -> Float[Array, "*batch lat lon channel"]:
        """Standardised channels of `state`, dimensionless."""
        return (state.values - self.mean) / self.std
