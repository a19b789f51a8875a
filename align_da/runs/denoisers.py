"""Networks of the score model and noise schedules by the name that [denoiser] gives them."""

import jax
from flax import nnx

from align_da.config import DenoiserConfig
from align_da.diffusion.dit import DiffusionTransformer
from align_da.diffusion.schedule import EDMSchedule, Schedule, VPCosineSchedule
from align_da.diffusion.unet import UNet
from align_da.errors import ConfigError
from align_da.mixed_precision import Arithmetic
from align_da.runs.mixed_precision import arithmetic_of

LatentShape = tuple[int, int, int]


def build_denoiser_network(
    config: DenoiserConfig, latent_shape: LatentShape, key: jax.Array
) -> nnx.Module:
    """The untrained network of `config`.

    Args:
        config: which network and its sizes.
        latent_shape: (lat, lon, latent).
        key: randomness of the initial parameters.

    Raises:
        ConfigError: mixed precision or recomputation is asked of the convolutional network.
        InputError: sizes of the transformer do not divide.
    """
    return _NETWORKS[config.kind](config, latent_shape, nnx.Rngs(params=key))


def build_schedule(config: DenoiserConfig) -> Schedule:
    """The noise schedule of `config`."""
    return _SCHEDULES[config.schedule](config)


def _unet(config: DenoiserConfig, latent_shape: LatentShape, rngs: nnx.Rngs) -> nnx.Module:
    if arithmetic_of(config) != Arithmetic():
        message = (
            f"denoiser: precision and recompute are for the transformer (dit), got {config!r}"
        )
        raise ConfigError(message)
    return UNet(latent_shape, config.width, config.depth, config.levels, rngs)


def _dit(config: DenoiserConfig, latent_shape: LatentShape, rngs: nnx.Rngs) -> nnx.Module:
    sizes = config.width, config.depth, config.heads, config.patch
    return DiffusionTransformer(latent_shape, *sizes, arithmetic_of(config), rngs)


def _edm(config: DenoiserConfig) -> Schedule:
    return EDMSchedule(config.sigma_mean, config.sigma_spread)


def _vp_cosine(config: DenoiserConfig) -> Schedule:
    return VPCosineSchedule()


_NETWORKS = {"unet": _unet, "dit": _dit}
_SCHEDULES = {"edm": _edm, "vp_cosine": _vp_cosine}
