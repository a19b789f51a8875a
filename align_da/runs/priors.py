"""Objects of every room, put together from the configuration and the folder of a run."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Float

from align_da.assimilation.model_error import ModelErrorCorrection
from align_da.atmosphere import Layout, Normalisation
from align_da.autoencoder import pole_signs
from align_da.autoencoder.identity import IdentityAutoencoder
from align_da.autoencoder.latent_space import LatentSpace
from align_da.config import AutoencoderConfig, Config
from align_da.diffusion.amplitude import AdaptedNetwork
from align_da.errors import StorageError
from align_da.forecast import CorrectedForecastModel, ForecastModel
from align_da.keys import Purpose, key_for
from align_da.prior.increment_correlation import IncrementCorrelation
from align_da.prior.latent_prior import LatentPrior
from align_da.prior.latent_scaling import LatentScaling
from align_da.prior.representation_error import Representation
from align_da.prior.static_prior import static_prior
from align_da.runs.autoencoders import build_autoencoder
from align_da.runs.denoisers import build_denoiser_network, build_schedule
from align_da.runs.forecast_models import configured_forecast_model
from align_da.runs.rounds import with_last_round
from align_da.runs.run import Run
from align_da.runs.shipped_parts import shipped_model_error, takes_shipped_model_error
from align_da.runs.weight_names import (
    FORECAST_SCALING,
    MODEL_ERROR,
    MODEL_SPACE_SCALING,
    PRIORS,
    REPRESENTATION,
    SCALING,
)
from align_da.storage.checkpoints import load_weights, save_weights
from align_da.storage.stages import check_as_made
from align_da.storage.statistics import read_normalisation


def untrained_autoencoder(config: AutoencoderConfig, layout: Layout, seed: int) -> nnx.Module:
    """The autoencoder of `config` for states of a layout before training."""
    key = key_for(seed, Purpose.PARAMETERS, 0)
    return build_autoencoder(config, layout.shape, key, pole_signs(layout))


def untrained_network(config: Config, latent_shape: tuple[int, int, int]) -> nnx.Module:
    """The network of the denoiser before training."""
    key = key_for(config.seed, Purpose.PARAMETERS, 1)
    return build_denoiser_network(config.denoiser, latent_shape, key)


def _blank_network(config: Config, name: str, latent_shape: tuple[int, int, int]) -> nnx.Module:
    """The network of the prior called `name`, to be filled by what is loaded."""
    network = untrained_network(config, latent_shape)
    return network if name == "reference" else AdaptedNetwork(network, latent_shape)


def load_space(run: Run) -> LatentSpace:
    """The trained autoencoder with its normalisation.

    Raises:
        StorageError: it has not been trained, or its weights are damaged or of another shape.
    """
    # Nothing recomputes what a frozen autoencoder did: solvers use its tangent again and again.
    frozen = run.config.autoencoder.model_copy(update={"recompute": False})
    blank = partial(untrained_autoencoder, frozen, run.layout, run.config.seed)
    graph, state = nnx.split(nnx.eval_shape(blank))
    channels = jnp.zeros(run.layout.shape[-1])
    template = {"autoencoder": state, "normalisation": Normalisation(channels, channels)}
    loaded = _loaded(run, "autoencoder", template)
    return LatentSpace(nnx.merge(graph, loaded["autoencoder"]), loaded["normalisation"])


def model_space(run: Run) -> LatentSpace:
    """Standardised states as their own latents.

    Raises:
        StorageError: the statistics are missing or damaged.
    """
    check_as_made(run.folder, run.folder.statistics)
    normalisation = read_normalisation(run.folder.statistics)
    return LatentSpace(IdentityAutoencoder(run.layout.shape), normalisation)


def load_prior(run: Run, name: str) -> LatentPrior:
    """The prior called `name`: "reference", "aligned", a control, or "static" without a network.

    Raises:
        StorageError: it has not been trained, or its weights are damaged or of another shape.
    """
    if name != "static":
        _check_trained(run, name)
    static = _latent_static_prior(run, SCALING, len(run.config.learned_lead_hours))
    if name == "static":
        return static
    shape = static.space.autoencoder.latent_shape
    graph, state = nnx.split(nnx.eval_shape(lambda: _blank_network(run.config, name, shape)))
    loaded = _loaded(run, name, {"network": state})
    network = nnx.merge(graph, loaded["network"])
    return replace(static, network=network, schedule=build_schedule(run.config.denoiser))


def _check_trained(run: Run, name: str) -> None:
    """Raise a StorageError that tells which priors there are, unless there is this one."""
    path = run.folder.weights(name)
    if not path.exists():
        made = ["static", *(other for other in PRIORS if run.folder.weights(other).exists())]
        message = (
            f"expected the weights of the prior {name!r} in {path}, found none: this run has "
            f"{', '.join(made)}; of {', '.join(PRIORS)} each is trained by align-da"
        )
        raise StorageError(message)


def load_forecast_prior(run: Run) -> LatentPrior:
    """The prior without a network whose covariance is that of the youngest forecasts.

    Raises:
        StorageError: there is none, or it is damaged or of another shape.
    """
    return _latent_static_prior(run, FORECAST_SCALING, leads=1)


def load_model_space_prior(run: Run) -> LatentPrior:
    """The prior without a network in model space: the background errors of 3D-Var.

    Raises:
        StorageError: they have not been estimated (align-da train covariance), or are damaged.
    """
    leads, modes = len(run.config.learned_lead_hours), run.config.three_d_var.modes
    return _static_prior(run, model_space(run), MODEL_SPACE_SCALING, leads, modes)


def cycle_forecast_model(run: Run) -> ForecastModel:
    """The forecast model of a cycle, corrected where the configuration wants it.

    Raises:
        StorageError: the correction has not been trained, or is damaged or of another shape.
    """
    run = replace(run, config=with_last_round(run.config, run.folder))
    model, cycle = configured_forecast_model(run.config), run.config.cycle
    if not cycle.model_error_share:
        return model
    return CorrectedForecastModel(model, load_model_error(run), cycle.window_hours)


def load_model_error(run: Run) -> ModelErrorCorrection:
    """The correction of forecasts that are one cycle window long.

    Raises:
        StorageError: it has not been trained, or is damaged or of another shape.
        ConfigError: the shipped one is wanted, and is that of another forecast model.
    """
    cycle, holder = run.config.cycle, run
    if takes_shipped_model_error(run.config):
        folder, config = shipped_model_error(run.config)
        holder = replace(run, folder=folder, config=config)
    static = load_prior(holder, "static")
    shape = static.space.autoencoder.latent_shape
    graph, state = nnx.split(nnx.eval_shape(lambda: untrained_network(holder.config, shape)))
    loaded = _loaded(holder, MODEL_ERROR, {"network": state})
    network = nnx.merge(graph, loaded["network"])
    return ModelErrorCorrection(
        static.space,
        network,
        static.scaling,
        cycle.window_hours,
        cycle.model_error_share or 0.0,
        static.truncation,
    )


def save_representation(run: Run, lost: Sequence[Float[np.ndarray, " channel"]]) -> None:
    """Write the representation error: a variance a channel for every lead time of a forecast."""
    leads = jnp.asarray(run.config.backgrounds.lead_hours, jnp.float32)
    representation = Representation(leads, jnp.asarray(np.stack(lost), jnp.float32))
    save_weights(run.folder.weights(REPRESENTATION), representation, {"name": REPRESENTATION})


def _load_representation(run: Run) -> Representation | None:
    """The representation error, where R shall have it."""
    if not run.config.analysis.representation_error:
        return None
    leads = len(run.config.backgrounds.lead_hours)
    blank = Representation(jnp.zeros(leads), jnp.zeros((leads, run.layout.shape[2])))
    loaded: Representation = _loaded(run, REPRESENTATION, blank)
    return loaded


def _latent_static_prior(run: Run, name: str, leads: int) -> LatentPrior:
    """The prior without a network on the latents of the autoencoder."""
    modes = run.config.denoiser.correlation_modes
    prior = _static_prior(run, load_space(run), name, leads, modes)
    return replace(prior, representation=_load_representation(run))


def _static_prior(run: Run, space: LatentSpace, name: str, leads: int, modes: int) -> LatentPrior:
    """The prior without a network, with the statistics called `name`."""
    blank = _blank_scaling(space.autoencoder.latent_shape, leads, modes)
    scaling = _loaded(run, name, blank)
    return static_prior(space, scaling, run.truncation)


def _loaded(run: Run, name: str, template: Any) -> Any:  # noqa: ANN401 (any pytree)
    """The weights called `name`, as the stage that trained them has left them."""
    folder = run.folder.weights(name)
    check_as_made(run.folder, folder)
    return load_weights(folder, template)


def _blank_scaling(latent_shape: tuple[int, int, int], leads: int, modes: int) -> LatentScaling:
    """A scaling of the right shapes, to be filled by what is loaded."""
    rows, columns, latent = latent_shape
    waves = columns // 2 + 1
    kept = min(modes, rows * latent)
    correlation = IncrementCorrelation(
        jnp.zeros((waves, rows, latent, latent, 2)),
        jnp.zeros((waves, kept, rows * latent, 2)),
        jnp.zeros((leads, waves, kept)),
        jnp.zeros((leads, waves)),
    )
    of_latents = jnp.zeros(latent)
    return LatentScaling(
        jnp.zeros(leads),
        jnp.zeros((leads, rows, latent, latent)),
        of_latents,
        of_latents,
        correlation,
    )
