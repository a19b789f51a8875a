"""Train the score model on latent pairs of the training period."""

from pathlib import Path

from jax.sharding import Mesh

from align_da.config import Config
from align_da.parallel.meeting import writes
from align_da.runs.background_latents import learned_latents, scaling_of
from align_da.runs.denoisers import build_schedule
from align_da.runs.priors import load_space, untrained_network
from align_da.runs.run import Run, open_run
from align_da.runs.stage_graph import denoiser_stage
from align_da.runs.weight_names import SCALING
from align_da.stages.training_stage import fit_stage, training_stage
from align_da.storage.checkpoints import save_weights
from align_da.training.score_model import score_model_task


def train_denoiser(config: Config, folder: Path, mesh: Mesh | None) -> None:
    """Train and save the prior "reference"; nothing is done where that has been done before.

    Raises:
        StorageError: backgrounds or the autoencoder are missing or damaged.
    """
    run = open_run(config, folder)
    training_stage(
        run.folder,
        denoiser_stage(config, run.folder),
        config.denoiser.training,
        lambda identity: _train(run, identity, mesh),
        mesh,
    )


def _train(run: Run, identity: str, mesh: Mesh | None) -> None:
    space, settings = load_space(run), run.config.denoiser
    pairs, held_out = learned_latents(run, space)
    scaling = scaling_of(run.config, pairs)
    if writes():
        save_weights(run.folder.weights(SCALING), scaling, {"name": SCALING})
    network = untrained_network(run.config, space.autoencoder.latent_shape)
    task = score_model_task(network, build_schedule(settings), scaling, pairs, held_out)
    fit_stage(
        run,
        "reference",
        identity,
        task.params,
        task.loss,
        settings.training,
        task.training,
        task.validation,
        lambda best: {"network": best},
        mesh,
    )
