"""The contract between denoisers, guidance and samplers.

Everything speaks of the *variance-exploding* picture x = z + σ n, with z the scaled latent
increment (unit variance): a network trained on another schedule (the paper's VP cosine) is
wrapped so that it too answers this call. Samplers know nothing of guidance, guidance nothing of
networks.
"""

from typing import Protocol, runtime_checkable

import jax
from jaxtyping import Array, Float


@runtime_checkable
class Denoiser(Protocol):
    """E[z | x = z + σ n] for one member, given whatever it is conditioned on."""

    def __call__(
        self, noisy: Float[Array, "lat lon latent"], sigma: Float[Array, ""]
    ) -> Float[Array, "lat lon latent"]:
        """The posterior mean of the scaled latent increment at noise level `sigma`."""
        ...


@runtime_checkable
class Sampler(Protocol):
    """Draws z by integrating the reverse process with a denoiser."""

    def __call__(
        self, denoiser: Denoiser, key: jax.Array, shape: tuple[int, int, int]
    ) -> Float[Array, "lat lon latent"]:
        """One draw of shape (lat, lon, latent)."""
        ...
