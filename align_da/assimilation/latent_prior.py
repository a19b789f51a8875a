"""The learned prior p(x | x_b): autoencoder, score model and the statistics between them.

A draw is decoded as an increment, x = x_b + D(z_b + s z) − D(z_b), so that the reconstruction
error of the autoencoder cancels to first order.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.atmosphere import Normalisation
from align_da.diffusion.condition import Condition
from align_da.diffusion.contract import Denoiser
from align_da.diffusion.denoiser import make_denoiser
from align_da.diffusion.scaling import LatentScaling
from align_da.diffusion.schedule import Schedule

Values = Float[Array, "lat lon channel"]
Latent = Float[Array, "lat lon latent"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LatentPrior:
    """Everything that a draw needs. A pytree: parameters pass through JAX transforms.

    Attributes:
        autoencoder: an `align_da.autoencoder.Autoencoder`.
        network: the network of the score model.
        scaling: statistics of latents and of latent increments.
        normalisation: statistics of the channels.
        schedule: the noise schedule that the network was trained with.
    """

    autoencoder: Any
    network: Any
    scaling: LatentScaling
    normalisation: Normalisation
    schedule: Schedule = field(metadata={"static": True})

    def encode(self, values: Values) -> Latent:
        """Latent of one state, given in SI units."""
        standardised = (values - self.normalisation.mean) / self.normalisation.std
        latent: Latent = self.autoencoder.encode(standardised[None])[0]
        return latent

    def decode(self, latent: Latent) -> Values:
        """Standardised channels of one latent, dimensionless."""
        decoded: Values = self.autoencoder.decode(latent[None])[0]
        return decoded

    def denoiser(self, background: Latent, lead_hours: Float[Array, ""]) -> Denoiser:
        """The denoiser given the latent of a background and the age of its forecast in hours."""
        unknown_spread = jnp.zeros(())
        condition = Condition(self.scaling.standardise(background), lead_hours, unknown_spread)
        return make_denoiser(self.network, self.schedule, condition)

    def analysis_of(
        self, background: Values, latent: Latent, lead_hours: Float[Array, ""]
    ) -> Callable[[Latent], Values]:
        """The map from a scaled latent increment z to the analysis in SI units.

        Args:
            background: SI units.
            latent: its latent.
            lead_hours: age of the background forecast.
        """
        reconstruction = self.decode(latent)

        def analysis(z: Latent) -> Values:
            moved = self.decode(latent + self.scaling.unscale(z, lead_hours))
            return background + self.normalisation.std * (moved - reconstruction)

        return analysis
