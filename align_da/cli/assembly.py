"""Objects of every room, put together from the configuration and the folder of a run."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import xarray as xr
from flax import nnx
from jaxtyping import Array, Float

from align_da.assimilation.contract import Analysis
from align_da.assimilation.free_run import FreeRun
from align_da.assimilation.latent_prior import LatentPrior
from align_da.assimilation.latent_score import LatentScoreAnalysis
from align_da.assimilation.optimal_interpolation import OptimalInterpolation
from align_da.atmosphere import Layout, Normalisation, State
from align_da.atmosphere.dataset import layout_from_dataset
from align_da.autoencoder import build_autoencoder, pole_signs
from align_da.autoencoder.latent_space import LatentSpace
from align_da.config import Config
from align_da.diffusion.build import build_denoiser_network, build_sampler, build_schedule
from align_da.diffusion.scaling import LatentScaling
from align_da.guidance.build import build_guidance
from align_da.keys import Purpose, key_for
from align_da.observations.interpolation import interpolation_operator
from align_da.storage.background_pairs import BackgroundPairs, open_background_pairs
from align_da.storage.checkpoints import load_weights
from align_da.storage.gridded import open_states
from align_da.storage.run_folder import RunFolder


@dataclass(frozen=True)
class World:
    """A run with its truth opened.

    Attributes:
        config: the configuration.
        folder: where everything of the run lies.
        truth: the nature run.
        layout: layout of every state.
    """

    config: Config
    folder: RunFolder
    truth: xr.Dataset
    layout: Layout

    @cached_property
    def surface_geopotential(self) -> Float[Array, "lat lon"]:
        """Geopotential of the surface that the models see, m2 s-2."""
        return jnp.asarray(self.truth["geopotential_at_surface"].to_numpy(), jnp.float32)

    def pairs(self, split: str) -> BackgroundPairs:
        """Backgrounds of a split beside the truth."""
        return open_background_pairs(self.folder.truth, self.folder.backgrounds(split))


def open_world(config: Config, run: Path) -> World:
    """Open the truth of a run.

    Raises:
        StorageError: there is none.
    """
    folder = RunFolder(run)
    truth = open_states(folder.truth)
    return World(config, folder, truth, layout_from_dataset(truth))


def untrained_autoencoder(world: World) -> nnx.Module:
    """The autoencoder of the configuration before training."""
    key = key_for(world.config.seed, Purpose.PARAMETERS, 0)
    return build_autoencoder(
        world.config.autoencoder, world.layout.shape, key, pole_signs(world.layout)
    )


def untrained_network(config: Config, latent_shape: tuple[int, int, int]) -> nnx.Module:
    """The network of the denoiser before training."""
    key = key_for(config.seed, Purpose.PARAMETERS, 1)
    return build_denoiser_network(config.denoiser, latent_shape, key)


def load_space(world: World) -> LatentSpace:
    """The trained autoencoder with its normalisation.

    Raises:
        StorageError: it has not been trained, or its weights are damaged or of another shape.
    """
    graph, state = nnx.split(nnx.eval_shape(lambda: untrained_autoencoder(world)))
    channels = jnp.zeros(world.layout.shape[-1])
    template = {"autoencoder": state, "normalisation": Normalisation(channels, channels)}
    loaded = load_weights(world.folder.weights("autoencoder"), template)
    return LatentSpace(nnx.merge(graph, loaded["autoencoder"]), loaded["normalisation"])


def load_prior(world: World, name: str) -> LatentPrior:
    """The prior called `name`: "reference", "aligned" or a control.

    Raises:
        StorageError: it has not been trained, or its weights are damaged or of another shape.
    """
    space = load_space(world)
    shape = space.autoencoder.latent_shape
    graph, state = nnx.split(nnx.eval_shape(lambda: untrained_network(world.config, shape)))
    template = {"network": state, "scaling": blank_scaling(world.config, shape)}
    loaded = load_weights(world.folder.weights(name), template)
    network = nnx.merge(graph, loaded["network"])
    return LatentPrior(space, network, loaded["scaling"], build_schedule(world.config.denoiser))


def blank_scaling(config: Config, latent_shape: tuple[int, int, int]) -> LatentScaling:
    """A scaling of the right shapes, to be filled by what is loaded."""
    rows, _, latent = latent_shape
    leads = len(config.backgrounds.lead_hours)
    return LatentScaling(
        jnp.zeros(leads), jnp.zeros((leads, rows, latent)), jnp.zeros(latent), jnp.zeros(latent)
    )


def build_analysis(world: World, method: str, prior: str) -> Analysis:
    """The analysis method that the section [cycle] names.

    Args:
        world: the run.
        method: "latent_score", "optimal_interpolation" or "free_run".
        prior: which prior the learned method draws from.
    """
    builders: dict[str, Any] = {
        "latent_score": lambda: latent_score(world, load_prior(world, prior)),
        "optimal_interpolation": lambda: optimal_interpolation(
            world, world.config.cycle.window_hours
        ),
        "free_run": lambda: FreeRun(interpolation_operator),
    }
    built: Analysis = builders[method]()
    return built


def latent_score(world: World, prior: LatentPrior) -> LatentScoreAnalysis:
    """The learned method with the sampler and the guidance of the configuration."""
    config = world.config
    return LatentScoreAnalysis(
        prior,
        build_sampler(config.sampler),
        build_guidance(config.guidance),
        interpolation_operator,
        config.sampler.micro_batch,
        config.cycle.condition_on,
    )


def optimal_interpolation(world: World, lead_hours: int) -> OptimalInterpolation:
    """Optimal interpolation with the training errors of the lead time nearest to `lead_hours`."""
    settings, pairs = world.config.optimal_interpolation, world.pairs("train")
    nearest = min(pairs.lead_hours, key=lambda lead: abs(lead - lead_hours))
    every = max(1, pairs.starts.size // settings.samples)
    truth, background = pairs.read(nearest, slice(0, every * settings.samples, every))
    errors = background.values - truth.values
    return OptimalInterpolation(
        State(errors - errors.mean(axis=0), world.layout),
        jnp.float32(settings.variance_factor),
        settings.radius_km * 1e3,
        interpolation_operator,
    )
