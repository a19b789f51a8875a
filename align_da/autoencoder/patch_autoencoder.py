"""Autoencoder = linear map of patches + a non-linear branch on either side.

    z = P_e(x) + f(x),    x' = P_d(z) + g(z)

The last layers of the branches f and g start at zero, so that before training the autoencoder *is*
the linear one (a principal component analysis, once initialised), and training can only add to it.
"""

from collections.abc import Callable

from flax import nnx
from jaxtyping import Array, Float

from align_da.autoencoder.patches import LinearPatches, from_patches, to_patches

Branch = Callable[
    [Float[Array, "batch lat lon channel"]], Float[Array, "batch coarse_lat coarse_lon features"]
]
"""Maps states to the latent grid, or latents on it: not linear, and zero before training."""


class PatchAutoencoder(nnx.Module):
    """Fulfils `Autoencoder`.

    Attributes:
        linear: the linear map of patches.
        encoder: branch from states to latents.
        decoder: branch from latents to patches.
        stride: grid points to a latent point, in each direction.
        latent_shape: (lat / stride, lon / stride, latent).
    """

    def __init__(
        self,
        linear: LinearPatches,
        encoder: Branch,
        decoder: Branch,
        stride: int,
        latent_shape: tuple[int, int, int],
    ) -> None:
        self.linear = linear
        self.encoder = encoder
        self.decoder = decoder
        self.stride = stride
        self.latent_shape = latent_shape

    def encode(
        self, states: Float[Array, "batch lat lon channel"]
    ) -> Float[Array, "batch coarse_lat coarse_lon latent"]:
        """Latents of standardised states."""
        return self.linear.encode(to_patches(states, self.stride)) + self.encoder(states)

    def decode(
        self, latents: Float[Array, "batch coarse_lat coarse_lon latent"]
    ) -> Float[Array, "batch lat lon channel"]:
        """Standardised states of latents."""
        return from_patches(self.linear.decode(latents) + self.decoder(latents), self.stride)
