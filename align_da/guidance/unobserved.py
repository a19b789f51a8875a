"""With no used observation, guidance is the identity: bit for bit, and at no cost."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.diffusion.contract import Denoiser
from align_da.observations.likelihood import Likelihood


def prior_if_unobserved(denoiser: Denoiser, guided: Denoiser, likelihood: Likelihood) -> Denoiser:
    """`guided` where at least one observation is used, else the prior's `denoiser` itself."""

    def denoise(
        noisy: Float[Array, "lat lon latent"], sigma: Float[Array, ""]
    ) -> Float[Array, "lat lon latent"]:
        denoised: Float[Array, "lat lon latent"]
        denoised = jax.lax.cond(jnp.any(likelihood.used), guided, denoiser, noisy, sigma)
        return denoised

    return denoise
