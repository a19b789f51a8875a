"""Patches: squares of stride x stride grid points with all their channels as one vector.

A linear map between patches and latents is the principal part of every autoencoder here. Set to
the leading principal components of patches it is optimal among linear ones (Eckart and Young
1936), and background errors, which are small, pass through it without distortion.
"""

import jax.numpy as jnp
import numpy as np
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

    It starts as the projection on the first vectors of an orthonormal cosine basis, the decoder
    the transpose of the encoder: a start without knowledge, to be replaced by principal
    components.

    Attributes:
        encoder: [patch, latent].
        decoder: [latent, patch].
        mean: [patch], what is taken off before encoding and put back after decoding.
    """

    def __init__(self, patch: int, latent: int) -> None:
        basis = _cosine_basis(patch)[:, :latent]
        self.encoder = nnx.Param(jnp.asarray(basis))
        self.decoder = nnx.Param(jnp.asarray(basis.T))
        self.mean = nnx.Param(jnp.zeros(patch))

    def encode(self, patches: Float[Array, "*place patch"]) -> Float[Array, "*place latent"]:
        """Latents of patches."""
        return (patches - self.mean[...]) @ self.encoder[...]

    def decode(self, latents: Float[Array, "*place latent"]) -> Float[Array, "*place patch"]:
        """Patches of latents."""
        return latents @ self.decoder[...] + self.mean[...]


def _cosine_basis(size: int) -> Float[np.ndarray, "size size"]:
    """Orthonormal columns, lowest frequency first (discrete cosine transform, type II)."""
    place, frequency = np.arange(size)[:, None] + 0.5, np.arange(size)[None, :]
    basis = np.sqrt(2 / size) * np.cos(np.pi * place * frequency / size)
    basis[:, 0] /= np.sqrt(2)
    return basis.astype(np.float32)
