"""Embedding of noise level and lead time."""

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from align_da.diffusion.condition import Condition

_FREQUENCIES = tuple(2.0**k for k in range(-1, 5))  # radians per unit of the noise input
_DAY_HOURS = 24.0


class ConditionEmbedding(nnx.Module):
    """A vector that says how noisy the input is and how old the background is."""

    def __init__(self, width: int, rngs: nnx.Rngs) -> None:
        features = 2 * 2 * len(_FREQUENCIES)
        self.first = nnx.Linear(features, width, rngs=rngs)
        self.second = nnx.Linear(width, width, rngs=rngs)

    def __call__(
        self, noise_input: Float[Array, " batch"], condition: Condition
    ) -> Float[Array, "batch width"]:
        """The embedding, after its last activation.

        Args:
            noise_input: what the schedule says of the noise level, of order one.
            condition: batched; the lead time is used.
        """
        lead = jnp.log1p(condition.lead_hours / _DAY_HOURS)
        features = jnp.concatenate([_waves(noise_input), _waves(lead)], axis=-1)
        return nnx.silu(self.second(nnx.silu(self.first(features))))


def _waves(value: Float[Array, " batch"]) -> Float[Array, "batch feature"]:
    """Sines and cosines of a scalar at octave frequencies."""
    phase = value[:, None] * jnp.asarray(_FREQUENCIES)
    return jnp.concatenate([jnp.sin(phase), jnp.cos(phase)], axis=-1)
