"""The paper's network: a transformer on patches that attends to the background.

Patches of the noisy increment are tokens; every block modulates them by the embedding of noise
level and lead time with gates that start at zero (adaLN-Zero, Peebles and Xie 2023,
arXiv:2212.09748), lets them attend to each other and, as in Align-DA (arXiv:2505.22008), by
cross-attention to the patches of the background latent.
"""

import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from align_da.diffusion.condition import Condition
from align_da.diffusion.contract import LatentFields
from align_da.diffusion.embedding import ConditionEmbedding
from align_da.errors import InputError
from align_da.mixed_precision import Arithmetic

_MLP_FACTOR = 4


class Block(nnx.Module):
    """Self-attention, cross-attention to the background and a token-wise network."""

    def __init__(self, width: int, heads: int, dtype: DTypeLike, rngs: nnx.Rngs) -> None:
        zero = nnx.initializers.zeros_init()
        self.norms = nnx.List(
            nnx.LayerNorm(width, use_bias=False, use_scale=False, rngs=rngs) for _ in range(3)
        )
        self.modulation = nnx.Linear(width, 9 * width, kernel_init=zero, rngs=rngs)
        self.attention, self.cross_attention = (
            nnx.MultiHeadAttention(heads, width, decode=False, dtype=dtype, rngs=rngs)
            for _ in range(2)
        )
        self.widen = nnx.Linear(width, _MLP_FACTOR * width, dtype=dtype, rngs=rngs)
        self.narrow = nnx.Linear(_MLP_FACTOR * width, width, dtype=dtype, rngs=rngs)

    def __call__(
        self,
        tokens: Float[Array, "batch token width"],
        background: Float[Array, "batch token width"],
        embedding: Float[Array, "batch width"],
    ) -> Float[Array, "batch token width"]:
        """The block, same shape as `tokens`."""
        branches = (
            self.attention,
            lambda x: self.cross_attention(x, background),
            lambda x: self.narrow(nnx.gelu(self.widen(x))),
        )
        modulations = jnp.split(self.modulation(embedding)[:, None, :], 3, axis=-1)
        for branch, norm, modulation in zip(branches, self.norms, modulations, strict=True):
            gain, shift, gate = jnp.split(modulation, 3, axis=-1)
            tokens = tokens + gate * branch(norm(tokens) * (1 + gain) + shift)
        return tokens


class DiffusionTransformer(nnx.Module):
    """(noisy, noise input, condition) → output of the shape of `noisy`."""

    def __init__(
        self,
        latent_shape: tuple[int, int, int],
        width: int,
        depth: int,
        heads: int,
        patch: int,
        arithmetic: Arithmetic,
        rngs: nnx.Rngs,
    ) -> None:
        """Build the network.

        Args:
            latent_shape: (lat, lon, latent).
            width: channels of a token.
            depth: number of blocks.
            heads: attention heads, a divisor of `width`.
            patch: rows and columns of a patch, a divisor of lat and lon.
            arithmetic: of the blocks.
            rngs: randomness of the initial parameters.

        Raises:
            InputError: patch or heads do not divide.
        """
        lat, lon, latent = latent_shape
        if lat % patch or lon % patch or width % heads:
            message = (
                f"expected a patch that divides {lat} x {lon} and heads that divide the width "
                f"{width}, got patch {patch} and {heads} heads"
            )
            raise InputError(message)
        self.patch = patch
        self.arithmetic = arithmetic
        tokens = (lat // patch) * (lon // patch)
        start = nnx.initializers.normal(0.02)
        self.position = nnx.Param(start(rngs.params(), (tokens, width)))
        self.embedding = ConditionEmbedding(width, rngs)
        self.noisy_entry = nnx.Linear(patch * patch * latent, width, rngs=rngs)
        self.background_entry = nnx.Linear(patch * patch * latent, width, rngs=rngs)
        self.blocks = nnx.List(Block(width, heads, arithmetic.dtype, rngs) for _ in range(depth))
        self.exit_norm = nnx.LayerNorm(width, rngs=rngs)
        self.exit = nnx.Linear(
            width, patch * patch * latent, kernel_init=nnx.initializers.zeros_init(), rngs=rngs
        )

    def __call__(
        self,
        noisy: LatentFields,
        noise_input: Float[Array, " batch"],
        condition: Condition,
    ) -> LatentFields:
        """Apply the network to a batch."""
        embedding = self.embedding(noise_input, condition)
        tokens = self.noisy_entry(_patches(noisy, self.patch)) + self.position[...]
        background = self.background_entry(_patches(condition.background, self.patch))
        background = background + self.position[...]
        tokens = self.arithmetic.through(
            self.blocks, lambda block, carried: block(carried, background, embedding), tokens
        )
        return _fields(self.exit(self.exit_norm(tokens)), noisy.shape, self.patch)


def _patches(fields: LatentFields, patch: int) -> Float[Array, "batch token feature"]:
    """Fields cut into square patches, row by row."""
    batch, lat, lon, latent = fields.shape
    cut = fields.reshape(batch, lat // patch, patch, lon // patch, patch, latent)
    return cut.swapaxes(2, 3).reshape(batch, -1, patch * patch * latent)


def _fields(
    patches: Float[Array, "batch token feature"], shape: tuple[int, ...], patch: int
) -> LatentFields:
    """The inverse of `_patches`."""
    batch, lat, lon, latent = shape
    cut = patches.reshape(batch, lat // patch, lon // patch, patch, patch, latent)
    return cut.swapaxes(2, 3).reshape(shape)
