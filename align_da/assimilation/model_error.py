"""The mean of the forecast error that a state betrays.

The error that a few hours of the forecast model add to a true state depends on the weather, and a
network learns its mean from forecasts that start from the truth. It does not depend on the
history of a cycle: what is learned from backgrounds of cycles is corrected there already or not,
which a background does not tell.
"""

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.atmosphere import State
from align_da.atmosphere.truncation import SpectralTruncation
from align_da.autoencoder.latent_space import LatentSpace, Values
from align_da.diffusion.condition import Condition
from align_da.prior.latent_scaling import LatentScaling


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ModelErrorCorrection:
    """Forecast → forecast minus a share of the mean of its error.

    Attributes:
        space: between states and latents.
        network: (zeros, zeros, condition) → mean of the scaled increment to the truth.
        scaling: of latents and their increments.
        lead_hours: length of the forecasts.
        share: of the mean that is corrected.
        truncation: what of an increment the forecast model can hold; None keeps it all.
    """

    space: LatentSpace
    network: Any
    scaling: LatentScaling
    lead_hours: int = field(metadata={"static": True})
    share: Float[Array, ""] | float = 1.0
    truncation: SpectralTruncation | None = None

    def __call__(self, forecast: State) -> State:
        """Corrected states, values [batch, lat, lon, channel], SI units."""
        return State(_corrected(self, forecast.values), forecast.layout)

    def increment(self, values: Values) -> Values:
        """The correction of one forecast, SI units."""
        latent = self.space.encode(values)
        lead = jnp.float32(self.lead_hours)
        condition = Condition(self.scaling.standardise(latent), lead)
        batched = jax.tree.map(lambda leaf: leaf[None], condition)
        change = self.scaling.unscale(mean_increment(self.network, batched)[0], lead)
        increment = self.space.difference(latent + self.share * change, latent)
        return increment if self.truncation is None else self.truncation(increment)


def mean_increment(
    network: Any,  # noqa: ANN401  a network
    condition: Condition,
) -> Float[Array, "batch lat lon latent"]:
    """The mean of scaled increments: the score network without noise, trained by regression."""
    silent = jnp.zeros_like(condition.background)
    found: Float[Array, "batch lat lon latent"] = network(
        silent, jnp.zeros(silent.shape[0]), condition
    )
    return found


@jax.jit
def _corrected(
    correction: ModelErrorCorrection, values: Float[Array, "batch lat lon channel"]
) -> Float[Array, "batch lat lon channel"]:
    """Forecasts one after the other: their number does not change bits."""
    increments: Float[Array, "batch lat lon channel"] = jax.lax.map(correction.increment, values)
    return values + increments
