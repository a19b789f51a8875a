"""The learned prior p(x | x_b): latent space, score model and the statistics between them.

A draw z of the score model is decoded as an increment, x = x_b + D(z_b + s z) − D(z_b).
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
        """The denoiser given the latent of a background and the age of its forecast in hours."""
        unknown_spread = jnp.zeros(())
        condition = Condition(self.scaling.standardise(background), lead_hours, unknown_spread)
        return make_denoiser(self.network, self.schedule, condition)

    def analysis(
        self, background: Values, latent: Latent, z: Latent, lead_hours: Float[Array, ""]
    ) -> Values:
        """The analysis in SI units that a scaled latent increment stands for.

        Args:
            background: SI units.
            latent: its latent.
            z: scaled latent increment.
            lead_hours: age of the background forecast.
        """
        moved = latent + self.scaling.unscale(z, lead_hours)
        return background + self.space.difference(moved, latent)
