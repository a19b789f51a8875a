"""Worlds, priors and stores of any size with random weights and states: cost, and no skill."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from align_da.atmosphere import Grid, Layout, Normalisation, State, VerticalCoordinate
from align_da.autoencoder import autoencoder_loss
from align_da.autoencoder.latent_space import LatentSpace
from align_da.config import AutoencoderConfig, Config
from align_da.cycling.record import SCALAR_FIELDS, member_fields, observation_fields
from align_da.diffusion.objective import denoising_loss
from align_da.prior.increment_correlation import IncrementCorrelation
from align_da.prior.latent_prior import LatentPrior
from align_da.prior.latent_scaling import LatentScaling
from align_da.runs.autoencoders import build_autoencoder
from align_da.runs.denoisers import build_denoiser_network, build_schedule
from align_da.storage.analysis_store import AnalysisStore, open_store
from align_da.storage.cycle_record import CycleRecord, StoreTemplate
from align_da.storage.manifest import manifest_of
from align_da.training.step import Loss

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


@dataclass(frozen=True)
class Size:
    """What the cost of a program may depend on; a program ignores what it does not know.

    Attributes:
        rows: latitudes of the grid; there are twice as many longitudes.
        levels: of five variables, beside four at the surface.
        observations: of an analysis, about (whole columns report).
        members: of an ensemble.
        cases: of a batch in training.
        parameters: of a network.
        times: of a store.
        truncation: of the embedded model.
        workers: processes of dask.
    """

    rows: int = 32
    levels: int = len(LEVELS_HPA)
    observations: int = 4096
    members: int = 1
    cases: int = 4
    parameters: int = 1_000_000
    times: int = 1000
    truncation: int = 21
    workers: int = 1

    @property
    def layout(self) -> Layout:
        """The states of this size."""
        return layout_of(self.rows, 2 * self.rows, LEVELS_HPA[: self.levels])

    def measure(self, factor: str) -> float:
        """A factor as cost is set against it: points of the grid, channels, others themselves."""
        rows, columns, channels = self.layout.shape
        known = {"points": rows * columns, "channels": channels}
        return float(known[factor] if factor in known else getattr(self, factor))


FIELDS = {"points": "rows", "channels": "levels"}
"""The field of `Size` that changes a factor, where they are not the same."""


def varied(base: Size, values: Mapping[str, tuple[int, ...]]) -> dict[str, list[Size]]:
    """By factor, the base with other values of the field behind it."""
    return {
        factor: [replace(base, **{FIELDS.get(factor, factor): value}) for value in chosen]
        for factor, chosen in values.items()
    }


_SPREAD = 0.1  # of the plausible range of a variable


def noise_states(layout: Layout, count: int) -> State:
    """States within the bounds of their variables, white in space: hardly to be compressed."""
    low, high = np.array([channel.variable.bounds for channel in layout.channels]).T
    noise = np.random.default_rng(0).uniform(-_SPREAD, _SPREAD, (count, *layout.shape))
    values = (low + high) / 2 + noise * (high - low)
    return State(jnp.asarray(values, jnp.float32), layout)


def template_of(layout: Layout, members: int, observations: int, cycles: int) -> StoreTemplate:
    """A store of so many cycles, six hours apart."""
    times = np.datetime64("2000-01-01", "ns") + np.arange(cycles) * np.timedelta64(6, "h")
    fields = observation_fields(layout), SCALAR_FIELDS, member_fields(layout)
    return StoreTemplate(layout, times, members, observations, *fields)


def new_store(path: Path, template: StoreTemplate) -> AnalysisStore:
    """An empty store at `path`."""
    return open_store(path, template, manifest_of({}, 0, {}))


def record_with(background: State, analysis: State, template: StoreTemplate) -> CycleRecord:
    """A cycle with observations of noise."""
    random = np.random.default_rng(1)
    observations = {
        field.name: random.normal(size=template.observations).astype(field.dtype)
        for field in template.observation_fields
    }
    scalars = {field.name: 1 for field in template.scalar_fields}
    members = {field.name: np.zeros(template.members) for field in template.member_fields}
    return CycleRecord(background, analysis, observations, scalars, members)


def bytes_on_disk(path: Path) -> int:
    """Size of all files in a folder."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def autoencoder_loss_of(prior: LatentPrior, layout: Layout) -> Loss:
    """The objective of the autoencoder."""
    area = jnp.asarray(layout.grid.area_weights)
    graph = nnx.graphdef(prior.space.autoencoder)
    return autoencoder_loss(graph, area, jnp.ones(layout.shape[2]))


def denoising_loss_of(prior: LatentPrior) -> Loss:
    """The objective of the score model."""
    colour = jax.vmap(prior.scaling.colour)
    return denoising_loss(nnx.graphdef(prior.network), prior.schedule, colour)
