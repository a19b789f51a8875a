"""The default network: a small U-Net on the sphere.

Residual blocks of two 3 x 3 convolutions with root-mean-square normalisation over channels (which
keeps a local input local), modulated by the embedding of noise level and lead time (FiLM, Perez et
al. 2018, arXiv:1709.07871). The channels double with every halving of the resolution. Convolutions
know no border, and the only position given to the network is the latitude, so that it is
equivariant to shifts in longitude by multiples of its total stride. The last layer starts at zero.
"""

from collections.abc import Iterable
from itertools import pairwise

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from align_da.atmosphere.sphere_padding import pad_sphere
from align_da.diffusion.condition import Condition
from align_da.diffusion.contract import LatentFields
from align_da.diffusion.embedding import ConditionEmbedding

_EMBEDDING_FACTOR = 2  # width of the embedding relative to that of the network


class SphereConvolution(nnx.Module):
    """A 3 x 3 convolution without border."""

    def __init__(self, inputs: int, outputs: int, rngs: nnx.Rngs, *, zero: bool = False) -> None:
        start = {"kernel_init": nnx.initializers.zeros_init()} if zero else {}
        self.convolution = nnx.Conv(inputs, outputs, (3, 3), padding="VALID", rngs=rngs, **start)

    def __call__(
        self, x: Float[Array, "batch lat lon channel"]
    ) -> Float[Array, "batch lat lon out"]:
        """The convolution, same grid."""
        convolved: Float[Array, "batch lat lon out"] = self.convolution(pad_sphere(x, 1))
        return convolved


class ResidualBlock(nnx.Module):
    """x + convolution(silu(film(convolution(silu(x))))), both normalised."""

    def __init__(self, width: int, embedding: int, rngs: nnx.Rngs) -> None:
        self.first_norm = nnx.RMSNorm(width, rngs=rngs)
        self.first = SphereConvolution(width, width, rngs)
        self.film = nnx.Linear(embedding, 2 * width, rngs=rngs)
        self.second_norm = nnx.RMSNorm(width, rngs=rngs)
        self.second = SphereConvolution(width, width, rngs)

    def __call__(
        self, x: Float[Array, "batch lat lon width"], embedding: Float[Array, "batch embedding"]
    ) -> Float[Array, "batch lat lon width"]:
        """The block, same shape."""
        gain, shift = jnp.split(self.film(embedding)[:, None, None, :], 2, axis=-1)
        hidden = self.first(nnx.silu(self.first_norm(x)))
        hidden = self.second_norm(hidden) * (1 + gain) + shift
        return x + self.second(nnx.silu(hidden))


class UNet(nnx.Module):
    """(noisy, noise input, condition) → output of the shape of `noisy`."""

    def __init__(
        self,
        latent_shape: tuple[int, int, int],
        width: int,
        depth: int,
        levels: int,
        rngs: nnx.Rngs,
    ) -> None:
        """Build the network.

        Args:
            latent_shape: (lat, lon, latent); an axis is halved where 4 divides it.
            width: channels at full resolution, doubled with every level.
            depth: residual blocks at every level, on the way down and on the way up.
            levels: number of resolutions.
            rngs: randomness of the initial parameters.
        """
        widths = [width * 2**level for level in range(levels)]
        embedding = _EMBEDDING_FACTOR * width
        self.strides = _strides(latent_shape[:2], levels - 1)
        self.embedding = ConditionEmbedding(embedding, rngs)
        self.entry = SphereConvolution(2 * latent_shape[2] + 2, width, rngs)
        self.down = nnx.List(nnx.List(_blocks(w, depth, embedding, rngs)) for w in widths)
        self.up = nnx.List(nnx.List(_blocks(w, depth, embedding, rngs)) for w in widths[:-1])
        self.narrowing = nnx.List(nnx.Linear(a, b, rngs=rngs) for a, b in pairwise(widths))
        self.widening = nnx.List(nnx.Linear(b, a, rngs=rngs) for a, b in pairwise(widths))
        self.exit_norm = nnx.RMSNorm(width, rngs=rngs)
        self.exit = SphereConvolution(width, latent_shape[2], rngs, zero=True)

    def __call__(
        self,
        noisy: LatentFields,
        noise_input: Float[Array, " batch"],
        condition: Condition,
    ) -> LatentFields:
        """Apply the network to a batch."""
        embedding = self.embedding(noise_input, condition)
        position = jnp.broadcast_to(latitude_features(noisy.shape[1]), (*noisy.shape[:3], 2))
        x = self.entry(jnp.concatenate([noisy, condition.background, position], axis=-1))
        skips = []
        for level, blocks in enumerate(self.down):
            x = _apply(blocks, x, embedding)
            if level < len(self.strides):
                skips.append(x)
                x = self.narrowing[level](_coarsen(x, self.strides[level]))
        for level in reversed(range(len(self.strides))):
            x = skips[level] + _refine(self.widening[level](x), self.strides[level])
            x = _apply(self.up[level], x, embedding)
        return self.exit(nnx.silu(self.exit_norm(x)))


def _blocks(width: int, depth: int, embedding: int, rngs: nnx.Rngs) -> list[ResidualBlock]:
    """The residual blocks of one level."""
    return [ResidualBlock(width, embedding, rngs) for _ in range(depth)]


def _apply(
    blocks: Iterable[ResidualBlock],
    x: Float[Array, "batch lat lon width"],
    embedding: Float[Array, "batch e"],
) -> Float[Array, "batch lat lon width"]:
    """One block after the other."""
    for block in blocks:
        x = block(x, embedding)
    return x


def _strides(shape: tuple[int, int], reductions: int) -> tuple[tuple[int, int], ...]:
    """By how much each reduction coarsens latitude and longitude: 2 where it divides, else 1."""
    found = []
    for _ in range(reductions):
        # Four longitudes and up: half of them must stay even to have opposite meridians.
        stride = tuple(2 if size % 4 == 0 else 1 for size in shape)
        shape = (shape[0] // stride[0], shape[1] // stride[1])
        found.append((stride[0], stride[1]))
    return tuple(found)


def latitude_features(rows: int) -> Float[Array, "lat 1 2"]:
    """Sine and cosine of the latitude of rows spread evenly from pole to pole."""
    latitude = jnp.pi * ((jnp.arange(rows) + 0.5) / rows - 0.5)
    return jnp.stack([jnp.sin(latitude), jnp.cos(latitude)], axis=-1)[:, None, :]


def _coarsen(
    x: Float[Array, "batch lat lon width"], stride: tuple[int, int]
) -> Float[Array, "batch coarse_lat coarse_lon width"]:
    """Mean over blocks of `stride` points."""
    batch, lat, lon, width = x.shape
    rows, columns = stride
    return x.reshape(batch, lat // rows, rows, lon // columns, columns, width).mean(axis=(2, 4))


def _refine(
    x: Float[Array, "batch lat lon width"], stride: tuple[int, int]
) -> Float[Array, "batch fine_lat fine_lon width"]:
    """Every point repeated over a block of `stride` points."""
    return jnp.repeat(jnp.repeat(x, stride[0], axis=1), stride[1], axis=2)
