"""The contract of autoencoders."""

from typing import Protocol, runtime_checkable

from jaxtyping import Array, Float


@runtime_checkable
class Autoencoder(Protocol):
    """Maps standardised states to latents on a coarser grid and back.

    Latents are not standardised: the diffusion scales them. Both maps are deterministic,
    differentiable and independent between the states of a batch.

    Attributes:
        latent_shape: (lat / stride, lon / stride, latent) of one state.
    """

    latent_shape: tuple[int, int, int]

    def encode(
        self, states: Float[Array, "batch lat lon channel"]
    ) -> Float[Array, "batch coarse_lat coarse_lon latent"]:
        """Latents (dimensionless) of standardised states (dimensionless)."""
        ...

    def decode(
        self, latents: Float[Array, "batch coarse_lat coarse_lon latent"]
    ) -> Float[Array, "batch lat lon channel"]:
        """Standardised states (dimensionless) of latents (dimensionless)."""
        ...
