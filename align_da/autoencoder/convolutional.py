"""Convolutional branches: residual blocks on the latent grid, padded on the sphere.

A block is h + W gelu(K * norm(h)) with one 3 x 3 convolution K and one pointwise map W. Sums over
depth give the cost, about 42 MFLOP a block for 512 latent points at width 64.
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from align_da.atmosphere.sphere_padding import pad_sphere
from align_da.autoencoder.patches import to_patches


class ConvolutionalBlock(nnx.Module):
    """A residual block that keeps grid and width."""

    def __init__(self, width: int, rngs: nnx.Rngs) -> None:
        self.norm = nnx.LayerNorm(width, rngs=rngs)
        self.convolution = nnx.Conv(width, width, (3, 3), padding="VALID", rngs=rngs)
        self.pointwise = nnx.Linear(
            width, width, kernel_init=nnx.initializers.zeros_init(), rngs=rngs
        )

    def __call__(
        self, features: Float[Array, "batch lat lon width"]
    ) -> Float[Array, "batch lat lon width"]:
        """Features plus what their neighbourhood adds."""
        around = self.convolution(pad_sphere(self.norm(features), 1))
        return features + self.pointwise(jax.nn.gelu(around))


class ConvolutionalBranch(nnx.Module):
    """Patches in, a 3 x 3 convolution, residual blocks, a pointwise map that starts at zero.

    The sign of winds across the poles is kept where the input is padded. Features have no known
    sign and are padded without.

    Attributes:
        stride: grid points to a latent point (1: the input is on the latent grid already).
        sign: factor of each input channel across a pole; None is 1 throughout.
    """

    def __init__(
        self,
        sizes: tuple[int, int, int],
        depth: int,
        stride: int,
        sign: tuple[float, ...] | None,
        rngs: nnx.Rngs,
    ) -> None:
        channel, width, out = sizes
        self.stride = stride
        self.sign = sign
        patch = stride**2 * channel
        self.embed = nnx.Conv(patch, width, (3, 3), padding="VALID", rngs=rngs)
        self.blocks = nnx.List([ConvolutionalBlock(width, rngs) for _ in range(depth)])
        self.norm = nnx.LayerNorm(width, rngs=rngs)
        self.out = nnx.Linear(width, out, kernel_init=nnx.initializers.zeros_init(), rngs=rngs)

    def __call__(
        self, fields: Float[Array, "batch lat lon channel"]
    ) -> Float[Array, "batch coarse_lat coarse_lon out"]:
        """The branch of states (stride > 1) or of latents (stride 1)."""
        sign = None if self.sign is None else jnp.asarray(self.sign)
        features = self.embed(to_patches(pad_sphere(fields, self.stride, sign), self.stride))
        for block in self.blocks:
            features = block(features)
        return self.out(jax.nn.gelu(self.norm(features)))
