"""The learned prior p(x | x_b): latent space, score model and the statistics between them.

A draw z is decoded as an increment, x = x_b + D(l_b + P^½ C^½ z) − D(l_b), with l_b the latent
of the background, P the covariance of the channels of a point and C the correlation in space.
"""

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.autoencoder.latent_space import Latent, LatentSpace, Values
from align_da.diffusion.condition import Condition
from align_da.diffusion.contract import Denoiser
from align_da.diffusion.denoiser import make_denoiser
from align_da.diffusion.scaling import LatentScaling
from align_da.diffusion.schedule import Schedule


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LatentPrior:
    """Everything that a draw needs. A pytree: parameters pass through JAX transforms.

    Attributes:
        space: between states and latents.
        network: the network of the score model.
        scaling: statistics of latents and of latent increments.
        schedule: the noise schedule that the network was trained with.
    """

    space: LatentSpace
    network: Any
    scaling: LatentScaling
    schedule: Schedule = field(metadata={"static": True})

    def denoiser(self, background: Latent, lead_hours: Float[Array, ""]) -> Denoiser:
        """The denoiser of z, given the latent of a background and its age in hours."""
        unknown_spread = jnp.zeros(())
        condition = Condition(self.scaling.standardise(background), lead_hours, unknown_spread)
        of_scaled = make_denoiser(self.network, self.schedule, condition)
        whiten = self.scaling.whitener(lead_hours)

        def denoise(noisy: Latent, sigma: Float[Array, ""]) -> Latent:
            coloured = self.scaling.colour(noisy, lead_hours)
            return whiten(of_scaled(coloured, sigma))

        return denoise

    def analysis(
        self, background: Values, latent: Latent, z: Latent, lead_hours: Float[Array, ""]
    ) -> Values:
        """The analysis in SI units that a scaled latent increment stands for.

        Args:
            background: SI units.
            latent: its latent.
            z: white latent increment.
            lead_hours: age of the background forecast.
        """
        scaled = self.scaling.colour(z, lead_hours)
        moved = latent + self.scaling.unscale(scaled, lead_hours)
        return background + self.space.difference(moved, latent)
