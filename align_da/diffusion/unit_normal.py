"""The network that predicts nothing: with EDM preconditioning the prior is z ~ N(0, I).

Then the learned method is latent 3D-Var with the covariance of `correlation`: what a trained
network has to beat.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.diffusion.condition import Condition
from align_da.diffusion.contract import LatentFields


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class UnitNormal:
    """(noisy, noise input, condition) → 0."""

    def __call__(
        self,
        noisy: LatentFields,
        noise_input: Float[Array, " batch"],
        condition: Condition,
    ) -> LatentFields:
        """No correction."""
        return jnp.zeros_like(noisy)
