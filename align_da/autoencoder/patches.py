"""Patches: squares of stride x stride grid points with all their channels as one vector.

A linear map between patches and latents is the principal part of every autoencoder here. Set to
the leading principal components of patches it is optimal among linear ones (Eckart and Young
1936), and background errors, which are small, pass through it without distortion.
"""

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float


def to_patches(
    fields: Float[Array, "*batch lat lon channel"], stride: int
) -> Float[Array, "*batch coarse_lat coarse_lon patch"]:
    """Gather squares of stride x stride points: patch = stride * stride * channel."""
    *batch, lat, lon, channel = fields.shape
    split = fields.reshape(*batch, lat // stride, stride, lon // stride, stride, channel)
    together = jnp.swapaxes(split, -4, -3)
    return together.reshape(*batch, lat // stride, lon // stride, stride * stride * channel)


def from_patches(
    patches: Float[Array, "*batch coarse_lat coarse_lon patch"], stride: int
) -> Float[Array, "*batch lat lon channel"]:
    """Put squares back to where `to_patches` took them from."""
    *batch, lat, lon, patch = patches.shape
    channel = patch // stride**2
    split = patches.reshape(*batch, lat, lon, stride, stride, channel)
    apart = jnp.swapaxes(split, -4, -3)
    return apart.reshape(*batch, lat * stride, lon * stride, channel)


class LinearPatches(nnx.Module):
    """The affine map from patches to latents and back.

    It starts as an orthogonal projection: the decoder is the transpose of the encoder.

    Attributes:
        encoder: [patch, latent].
        decoder: [latent, patch].
        mean: [patch], what is taken off before encoding and put back after decoding.
    """

    def __init__(self, patch: int, latent: int, rngs: nnx.Rngs) -> None:
        basis = nnx.initializers.orthogonal()(rngs.params(), (patch, latent))
        self.encoder = nnx.Param(basis)
        self.decoder = nnx.Param(basis.T)
        self.mean = nnx.Param(jnp.zeros(patch))

    def encode(self, patches: Float[Array, "*place patch"]) -> Float[Array, "*place latent"]:
        """Latents of patches."""
        return (patches - self.mean[...]) @ self.encoder[...]

    def decode(self, latents: Float[Array, "*place latent"]) -> Float[Array, "*place patch"]:
        """Patches of latents."""
        return latents @ self.decoder[...] + self.mean[...]
