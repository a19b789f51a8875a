"""Train the correction of the forecast model on forecasts that start from the truth."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import Mesh
from jaxtyping import Array, Float, PyTree

from align_da.assimilation.model_error import mean_increment
from align_da.atmosphere import State
from align_da.config import Config
from align_da.diffusion.objective import DenoisingBatch
from align_da.parallel.meeting import writes
from align_da.parallel.progress import progress_bar
from align_da.runs.forecast_models import (
    configured_forecast_model,
    frame_before,
)
from align_da.runs.priors import load_prior, untrained_network
from align_da.runs.run import Run, open_run
from align_da.runs.stage_graph import model_error_stage
from align_da.runs.weight_names import MODEL_ERROR
from align_da.stages.training_stage import fit_stage, training_stage
from align_da.storage.gridded import read_times
from align_da.training.latent_pairs import LatentPairs, encode_pairs


def train_model_error(config: Config, folder: Path, mesh: Mesh | None) -> None:
    """Train and save the correction; nothing is done where that has been done before.

    Raises:
        StorageError: the truth, the autoencoder or the statistics of latents are missing or
            damaged.
    """
    run = open_run(config, folder)
    training_stage(
        run.folder,
        model_error_stage(config, run.folder),
        config.model_error.training,
        lambda identity: _train(run, identity, mesh),
        mesh,
    )


def _train(run: Run, identity: str, mesh: Mesh | None) -> None:
    settings, prior = run.config.model_error, load_prior(run, "static")
    pairs, held_out = (
        encode_pairs(prior.space, [_forecasts_from_truth(run, backgrounds, starts)])
        for backgrounds, starts in (
            ("train", settings.starts),
            ("validation", settings.validation_starts),
        )
    )
    network = untrained_network(run.config, prior.space.autoencoder.latent_shape)
    graph, params = nnx.split(network)

    def batches(chosen: LatentPairs) -> tuple[Any, int]:
        return lambda rows: chosen.batch(rows, prior.scaling), len(chosen)

    fit_stage(
        run,
        MODEL_ERROR,
        identity,
        params,
        regression_loss(graph),
        settings.training,
        batches(pairs),
        batches(held_out),
        lambda best: {"network": best},
        mesh,
    )


def regression_loss(graph: nnx.GraphDef) -> Any:  # noqa: ANN401  a loss
    """The share of the mean square of scaled increments that the mean leaves: a loss."""

    def loss(
        params: PyTree, batch: DenoisingBatch, key: jax.Array
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        error = batch.increment - mean_increment(nnx.merge(graph, params), batch.condition)
        value = jnp.mean(jnp.square(error)) / jnp.mean(jnp.square(batch.increment))
        return value, {"loss": value}

    return loss


def _forecasts_from_truth(run: Run, split: str, starts: int) -> tuple[State, State, float]:
    """Truths, forecasts of one cycle window from the truth, and the window in hours.

    The starts are spread evenly between the first and the last background of the split.
    """
    window, known = run.config.cycle.window_hours, run.pairs(split).starts
    step = np.timedelta64(window, "h")
    count = int((known[-1] - known[0]) / step)
    chosen = known[0] + step * np.linspace(0, count, starts).round().astype(int)
    model = configured_forecast_model(run.config)
    forecasts = []
    with progress_bar(shown=writes()) as progress:
        for time in progress.track(chosen, description=f"forecasts from truth, {split}"):
            start = read_times(run.truth, run.layout, np.asarray([time]))
            before = frame_before(model, run.truth, run.layout, time)
            forecasts.append(np.asarray(model.forecast(start, time, window, before).values))
    forecast = State(jnp.asarray(np.concatenate(forecasts)), run.layout)
    return read_times(run.truth, run.layout, chosen + step), forecast, float(window)
