"""Transformer branches: pre-norm attention between latent points, periodic in longitude.

A point knows where it is by an embedding of its latitude and where the others are by a bias for
the difference of latitude and of longitude, the latter modulo the circle: the branch commutes
with rotations of the globe. A window limits attention to strips of longitude from pole to pole;
after every block the globe is turned by half their width (after Liu et al. 2021, arXiv:2103.14030;
around a circle no masks are needed). Strips commute with rotations by their width and do not see
across the poles; full attention does.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int

from align_da.autoencoder.patches import to_patches
from align_da.mixed_precision import Arithmetic


class Attention(nnx.Module):
    """Multi-head attention within strips of longitude, with a bias for relative position.

    Attributes:
        grid: (lat, lon) of the latent grid.
        window: width of a strip, a divisor of lon.
        heads: number of heads.
        dtype: of the operands of matrix products.
        bias: [2 lat - 1, lon, heads] by difference of latitude and of longitude.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        grid: tuple[int, int],
        window: int,
        dtype: DTypeLike,
        rngs: nnx.Rngs,
    ) -> None:
        self.grid = grid
        self.window = window
        self.heads = heads
        self.dtype = dtype
        self.inward = nnx.Linear(width, 3 * width, dtype=dtype, rngs=rngs)
        self.outward = nnx.Linear(width, width, dtype=dtype, rngs=rngs)
        self.bias = nnx.Param(jnp.zeros((2 * grid[0] - 1, grid[1], heads)))

    def __call__(
        self, features: Float[Array, "batch lat lon width"]
    ) -> Float[Array, "batch lat lon width"]:
        """What each point gathers from the points of its strip."""
        batch, lat, lon, width = features.shape
        strips = lon // self.window
        points = features.reshape(batch, lat, strips, self.window, width).swapaxes(1, 2)
        parts = self.inward(points.reshape(batch * strips, lat * self.window, width))
        parts = parts.reshape(*parts.shape[:2], 3, self.heads, width // self.heads)
        query, key, value = (parts[:, :, i] for i in range(3))
        bias = jnp.moveaxis(self.bias[...][self._differences()], -1, 0)[None]
        gathered = jax.nn.dot_product_attention(query, key, value, bias=bias.astype(self.dtype))
        gathered = self.outward(gathered.reshape(batch, strips, lat, self.window, width))
        return gathered.swapaxes(1, 2).reshape(features.shape)

    def _differences(
        self,
    ) -> tuple[Int[np.ndarray, "point point"], Int[np.ndarray, "point point"]]:
        """Indices into `bias` for each pair of points of a strip."""
        lat, lon = np.divmod(np.arange(self.grid[0] * self.window), self.window)
        north = lat[None, :] - lat[:, None] + self.grid[0] - 1
        east = (lon[None, :] - lon[:, None]) % self.grid[1]
        return north, east


class AttentionBlock(nnx.Module):
    """Attention and a pointwise network, each with a norm before and a residual around."""

    def __init__(
        self,
        width: int,
        heads: int,
        grid: tuple[int, int],
        window: int,
        dtype: DTypeLike,
        rngs: nnx.Rngs,
    ) -> None:
        self.before_attention = nnx.LayerNorm(width, rngs=rngs)
        self.attention = Attention(width, heads, grid, window, dtype, rngs)
        self.before_network = nnx.LayerNorm(width, rngs=rngs)
        self.widen = nnx.Linear(width, 4 * width, dtype=dtype, rngs=rngs)
        self.narrow = nnx.Linear(4 * width, width, dtype=dtype, rngs=rngs)

    def __call__(
        self, features: Float[Array, "batch lat lon width"]
    ) -> Float[Array, "batch lat lon width"]:
        """Features plus what attention and the pointwise network add."""
        features = features + self.attention(self.before_attention(features))
        hidden = jax.nn.gelu(self.widen(self.before_network(features)))
        return features + self.narrow(hidden)


class TransformerBranch(nnx.Module):
    """Patches in, attention blocks, a pointwise map that starts at zero.

    Attributes:
        stride: grid points to a latent point (1: the input is on the latent grid already).
        turn: latent points by which the globe is turned after every block.
        arithmetic: of the blocks.
    """

    def __init__(
        self,
        sizes: tuple[int, int, int],
        depth: int,
        heads: int,
        stride: int,
        grid: tuple[int, int],
        window: int | None,
        arithmetic: Arithmetic,
        rngs: nnx.Rngs,
    ) -> None:
        channel, width, out = sizes
        strip = grid[1] if window is None else window
        self.stride = stride
        self.turn = 0 if window is None else window // 2
        self.arithmetic = arithmetic
        self.embed = nnx.Linear(stride**2 * channel, width, rngs=rngs)
        latitude = nnx.initializers.normal(0.02)(rngs.params(), (grid[0], 1, width))
        self.latitude = nnx.Param(latitude)
        self.blocks = nnx.List(
            AttentionBlock(width, heads, grid, strip, arithmetic.dtype, rngs) for _ in range(depth)
        )
        self.norm = nnx.LayerNorm(width, rngs=rngs)
        self.out = nnx.Linear(width, out, kernel_init=nnx.initializers.zeros_init(), rngs=rngs)

    def __call__(
        self, fields: Float[Array, "batch lat lon channel"]
    ) -> Float[Array, "batch coarse_lat coarse_lon out"]:
        """The branch of states (stride > 1) or of latents (stride 1)."""
        features = self.embed(to_patches(fields, self.stride)) + self.latitude[...]

        def turned(block: AttentionBlock, globe: Array) -> Array:
            return jnp.roll(block(globe), -self.turn, axis=2)

        features = self.arithmetic.through(self.blocks, turned, features)
        back = self.turn * len(self.blocks)
        return self.out(self.norm(jnp.roll(features, back, axis=2)))
