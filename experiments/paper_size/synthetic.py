"""A world of the paper's size with random weights and states: what costs time, and no skill."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from align_da.atmosphere import Grid, Layout, Normalisation, VerticalCoordinate
from align_da.autoencoder.latent_space import LatentSpace
from align_da.config import AutoencoderConfig, Config
from align_da.prior.increment_correlation import IncrementCorrelation
from align_da.prior.latent_prior import LatentPrior
from align_da.prior.latent_scaling import LatentScaling
from align_da.runs.autoencoders import build_autoencoder
from align_da.runs.denoisers import build_denoiser_network, build_schedule

LEVELS_HPA = (50, 100, 150, 200, 250, 300, 400, 500, 600, 700, 850, 925, 1000)
VARIABLES = (
    "geopotential",
    "temperature",
    "specific_humidity",
    "u_component_of_wind",
    "v_component_of_wind",
    "10m_u_component_of_wind",
    "10m_v_component_of_wind",
    "2m_temperature",
    "mean_sea_level_pressure",
)
LEAD_HOURS = 48.0


def layout_of(rows: int, columns: int, levels_hpa: Sequence[int] = LEVELS_HPA) -> Layout:
    """The variables and levels of the paper, or fewer levels, on a regular grid."""
    latitude = 180 * ((np.arange(rows) + 0.5) / rows - 0.5)
    longitude = 360 * np.arange(columns) / columns
    levels = VerticalCoordinate("pressure", tuple(100.0 * level for level in levels_hpa))
    grid = Grid(tuple(latitude.tolist()), tuple(longitude.tolist()), levels)
    return Layout(grid, VARIABLES)


def prior_of(config: Config, layout: Layout, *, trained: bool) -> LatentPrior:
    """A prior of random weights, as a training has it or (`trained`) an analysis: nothing kept."""
    kept = {"recompute": False} if trained else {}
    autoencoder_config = config.autoencoder.model_copy(update=kept)
    denoiser_config = config.denoiser.model_copy(update=kept)
    channels = layout.shape[2]
    space = LatentSpace(
        build_autoencoder(autoencoder_config, layout.shape, jax.random.key(0)),
        Normalisation(jnp.zeros(channels), jnp.ones(channels)),
    )
    shape = latent_shape_of(config.autoencoder, layout)
    network = build_denoiser_network(denoiser_config, shape, jax.random.key(1))
    scaling = _scaling(shape, config.denoiser.correlation_modes)
    return LatentPrior(space, network, scaling, build_schedule(denoiser_config))


def latent_shape_of(config: AutoencoderConfig, layout: Layout) -> tuple[int, int, int]:
    """(lat, lon, latent)."""
    rows, columns, _ = layout.shape
    return rows // config.stride, columns // config.stride, config.latent_channels


def _scaling(shape: tuple[int, int, int], modes: int) -> LatentScaling:
    """Statistics with a spectrum of variances, so that a solver finds no unit matrix."""
    rows, columns, channels = shape
    waves, coefficients = columns // 2 + 1, rows * channels
    unit = np.broadcast_to(np.eye(channels, dtype=np.float32), (waves, rows, channels, channels))
    random = np.random.default_rng(0).normal(size=(waves, coefficients, modes))
    vectors = np.swapaxes(np.linalg.qr(random)[0], 1, 2).astype(np.float32)
    variance = np.broadcast_to(50 / (1 + np.arange(modes, dtype=np.float32)), (1, waves, modes))
    correlation = IncrementCorrelation(
        jnp.asarray(np.stack([unit, np.zeros_like(unit)], axis=-1)),
        jnp.asarray(np.stack([vectors, np.zeros_like(vectors)], axis=-1)),
        jnp.asarray(variance),
        jnp.full((1, waves), 0.1),
    )
    root = jnp.broadcast_to(0.1 * jnp.eye(channels), (1, rows, channels, channels))
    leads = jnp.asarray([LEAD_HOURS])
    return LatentScaling(leads, root, jnp.zeros(channels), jnp.ones(channels), correlation)
