"""Autoencoders by the name that the configuration gives them."""

from collections.abc import Sequence

import jax
from flax import nnx

from align_da.autoencoder.convolutional import ConvolutionalBranch
from align_da.autoencoder.patch_autoencoder import Branch, PatchAutoencoder
from align_da.autoencoder.patches import LinearPatches
from align_da.autoencoder.transformer import TransformerBranch
from align_da.config import AutoencoderConfig
from align_da.errors import ConfigError
from align_da.mixed_precision import Arithmetic
from align_da.runs.mixed_precision import arithmetic_of

Shape = tuple[int, int, int]


def build_autoencoder(
    config: AutoencoderConfig,
    shape: Shape,
    key: jax.Array,
    sign: Sequence[float] | None = None,
) -> PatchAutoencoder:
    """The untrained autoencoder of `config`.

    Args:
        config: which network and its sizes.
        shape: (lat, lon, channel) of a state.
        key: randomness of the initial parameters.
        sign: factor of each channel across a pole, see `pole_signs`; None is 1 throughout.

    Raises:
        ConfigError: the stride does not divide the grid, the latent grid has an odd number of
            longitudes, there are more latent channels than numbers in a patch, window or heads
            do not divide what they split, or a convolutional one shall compute like a transformer.
    """
    _check(config, shape)
    lat, lon, channel = shape
    patch = config.stride**2 * channel
    latent_shape = (lat // config.stride, lon // config.stride, config.latent_channels)
    rngs = nnx.Rngs(params=key)
    linear = LinearPatches(patch, config.latent_channels)
    signs = None if sign is None else tuple(float(factor) for factor in sign)
    encoder, decoder = _BRANCHES[config.kind](config, latent_shape, channel, signs, rngs)
    return PatchAutoencoder(linear, encoder, decoder, config.stride, latent_shape)


def _convolutional(
    config: AutoencoderConfig,
    latent_shape: Shape,
    channel: int,
    sign: tuple[float, ...] | None,
    rngs: nnx.Rngs,
) -> tuple[Branch, Branch]:
    """Encoder and decoder branch."""
    latent, patch = latent_shape[2], config.stride**2 * channel
    inward, outward = (channel, config.width, latent), (latent, config.width, patch)
    encoder = ConvolutionalBranch(inward, config.depth, config.stride, sign, rngs)
    return encoder, ConvolutionalBranch(outward, config.depth, 1, None, rngs)


def _transformer(
    config: AutoencoderConfig,
    latent_shape: Shape,
    channel: int,
    sign: tuple[float, ...] | None,
    rngs: nnx.Rngs,
) -> tuple[Branch, Branch]:
    """Encoder and decoder branch; attention needs no padding and hence no sign."""
    *_, latent = latent_shape
    grid, patch = latent_shape[:2], config.stride**2 * channel
    inward, outward = (channel, config.width, latent), (latent, config.width, patch)
    depth, heads, window = config.depth, config.heads, config.window
    how, stride = arithmetic_of(config), config.stride
    encoder = TransformerBranch(inward, depth, heads, stride, grid, window, how, rngs)
    return encoder, TransformerBranch(outward, depth, heads, 1, grid, window, how, rngs)


def _check(config: AutoencoderConfig, shape: Shape) -> None:
    """Raise a ConfigError where sizes do not go together."""
    lat, lon, channel = shape
    patch, columns = config.stride**2 * channel, lon // config.stride
    attention = config.kind == "transformer"
    rules = (
        (lat % config.stride == 0, f"stride must divide the {lat} latitudes"),
        (lon % (2 * config.stride) == 0, f"2 x stride must divide the {lon} longitudes"),
        (config.latent_channels <= patch, f"latent_channels must not exceed {patch} a patch"),
        (not attention or config.width % config.heads == 0, "heads must divide width"),
        (
            not attention or columns % (config.window or 1) == 0,
            f"window must divide the {columns} latent columns",
        ),
        (
            attention or arithmetic_of(config) == Arithmetic(),
            "precision and recompute are for the transformer",
        ),
    )
    broken = [rule for kept, rule in rules if not kept]
    if broken:
        message = f"autoencoder: {'; '.join(broken)}; got {config!r} for states of shape {shape}"
        raise ConfigError(message)


_BRANCHES = {"convolutional": _convolutional, "transformer": _transformer}
