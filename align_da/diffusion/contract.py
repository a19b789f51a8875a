"""The contract between denoisers, guidance and samplers.

Everything speaks of the *variance-exploding* picture x = z + σ n, with z the scaled latent
increment (unit variance): a network trained on another schedule (the paper's VP cosine) is
wrapped so that it too answers this call. Samplers know nothing of guidance, guidance nothing of
networks.
"""

from typing import Protocol, runtime_checkable

import jax
from jaxtyping import Array, Float

LatentField = Float[Array, "lat lon latent"]
"""A field in latent space: a latent, a scaled increment or its noise."""
LatentFields = Float[Array, "batch lat lon latent"]
"""A batch of them."""


@runtime_checkable
class Denoiser(Protocol):
    """E[z | x = z + σ n] for one member, given whatever it is conditioned on."""

    def __call__(self, noisy: LatentField, sigma: Float[Array, ""]) -> LatentField:
        """The posterior mean of the scaled latent increment at noise level `sigma`."""
        ...


@runtime_checkable
class Sampler(Protocol):
    """Draws z by integrating the reverse process with a denoiser."""

    def __call__(
        self, denoiser: Denoiser, key: jax.Array, shape: tuple[int, int, int]
    ) -> LatentField:
        """One draw of shape (lat, lon, latent)."""
        ...
