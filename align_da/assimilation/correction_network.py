"""The network of a learned correction: residual blocks on the sphere, from evidence to increments.

Like the score network it knows no border and no position but the latitude, so that it is
equivariant to shifts in longitude. Of evidence that is an increment already it learns which share
to take, by point, variable and weather, beside an increment of its own. The last layer starts at
zero: an untrained correction is none.
"""

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from align_da.diffusion.unet import SphereConvolution, latitude_features
from align_da.errors import InputError


class CorrectionNetwork(nnx.Module):
    """Fields of evidence → fields of estimates, on the same grid."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        width: int,
        depth: int,
        stride: int = 1,
        increments: tuple[slice, ...] = (),
        rngs: nnx.Rngs,
    ) -> None:
        """Build the network.

        Args:
            inputs: fields of evidence.
            outputs: fields that are estimated.
            width: channels of the hidden layers.
            depth: residual blocks of two 3 x 3 convolutions.
            stride: points along one side of the patches that the network works on, where an axis
                has that many.
            increments: which fields of evidence are an increment, as many fields for each; the
                first outputs get a share of every one.
            rngs: randomness of the initial parameters.
        """
        self.stride, self.increments = stride, increments
        shares = sum(fields.stop - fields.start for fields in increments)
        self.entry = nnx.Linear(inputs * stride**2 + 2, width, rngs=rngs)
        self.blocks = nnx.List(_Block(width, rngs) for _ in range(depth))
        self.exit = SphereConvolution(width, outputs * stride**2, rngs, zero=True)
        self.shares = _zero_linear(width, shares * stride**2, rngs) if increments else None

    def start_from(self, shares: Float[Array, "increment channel"]) -> None:
        """Take a share of every increment at once, the same at every point."""
        if self.shares is not None:
            self.shares.bias[...] = jnp.tile(shares.ravel(), self.stride**2)

    def __call__(
        self, evidence: Float[Array, "batch lat lon input"]
    ) -> Float[Array, "batch lat lon output"]:
        """Apply the network to a batch.

        Raises:
            InputError: the stride does not divide the grid.
        """
        patches = _into_patches(evidence, self.stride)
        rows = patches.shape[1]
        position = jnp.broadcast_to(latitude_features(rows), (*patches.shape[:3], 2))
        x = self.entry(jnp.concatenate([patches, position], axis=-1))
        for block in self.blocks:
            x = block(x)
        x = nnx.silu(x)
        result = _from_patches(self.exit(x), self.stride)
        if self.shares is None:
            return result
        share = _from_patches(self.shares(x), self.stride)
        for fields in self.increments:
            increment = evidence[..., fields]
            count = increment.shape[-1]
            result = result.at[..., :count].add(share[..., :count] * increment)
            share = share[..., count:]
        return result


class _Block(nnx.Module):
    """x + convolution(silu(convolution(silu(normalised x))))."""

    def __init__(self, width: int, rngs: nnx.Rngs) -> None:
        self.norm = nnx.RMSNorm(width, rngs=rngs)
        self.first = SphereConvolution(width, width, rngs)
        self.second = SphereConvolution(width, width, rngs)

    def __call__(
        self, x: Float[Array, "batch lat lon width"]
    ) -> Float[Array, "batch lat lon width"]:
        hidden = self.first(nnx.silu(self.norm(x)))
        return x + self.second(nnx.silu(hidden))


def _zero_linear(inputs: int, outputs: int, rngs: nnx.Rngs) -> nnx.Linear:
    return nnx.Linear(inputs, outputs, kernel_init=nnx.initializers.zeros, rngs=rngs)


def _into_patches(
    fields: Float[Array, "batch lat lon channel"], stride: int
) -> Float[Array, "batch patch_lat patch_lon patch_channel"]:
    """Squares of `stride` points along both axes as channels.

    Raises:
        InputError: the grid is no whole number of squares.
    """
    batch, lat, lon, channels = fields.shape
    if lat % stride or lon % stride:
        message = (
            f"expected a stride that divides the grid of {lat} x {lon}, got {stride}: choose 1"
        )
        raise InputError(message)
    split = fields.reshape(batch, lat // stride, stride, lon // stride, stride, channels)
    return split.transpose(0, 1, 3, 2, 4, 5).reshape(batch, lat // stride, lon // stride, -1)


def _from_patches(
    patches: Float[Array, "batch patch_lat patch_lon patch_channel"], stride: int
) -> Float[Array, "batch lat lon channel"]:
    """The inverse of `_into_patches`."""
    batch, rows, columns, width = patches.shape
    channels = width // stride**2
    split = patches.reshape(batch, rows, columns, stride, stride, channels)
    return split.transpose(0, 1, 3, 2, 4, 5).reshape(batch, rows * stride, columns * stride, -1)
