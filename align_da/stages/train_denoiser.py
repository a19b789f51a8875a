"""Train the score model on latent pairs of the training period."""

from pathlib import Path

import jax
from flax import nnx
from jax.sharding import Mesh

from align_da.config import Config
from align_da.diffusion.build import build_schedule
from align_da.diffusion.objective import denoising_loss
from align_da.parallel.meeting import writes
from align_da.runs.background_latents import encode_backgrounds, scaling_of
from align_da.runs.priors import SCALING, load_space, untrained_network
from align_da.runs.run import Run, open_run
from align_da.runs.stage_graph import denoiser_stage
from align_da.stages.training_stage import fit_stage, training_stage
from align_da.storage.checkpoints import save_weights


def train_denoiser(config: Config, folder: Path, mesh: Mesh | None) -> None:
    """Train and save the prior "reference"; nothing is done where that has been done before.

    Raises:
        StorageError: backgrounds or the autoencoder are missing or damaged.
    """
    run = open_run(config, folder)
    training_stage(
        run,
        denoiser_stage(config, run.folder),
        config.denoiser.training,
        lambda identity: _train(run, identity, mesh),
        mesh,
    )


def _train(run: Run, identity: str, mesh: Mesh | None) -> None:
    space = load_space(run)
    pairs = encode_backgrounds(space, run.learned_pairs("train"))
    held_out = encode_backgrounds(space, run.learned_pairs("validation"))
    settings = run.config.denoiser
    scaling = scaling_of(run.config, pairs)
    if writes():
        save_weights(run.folder.weights(SCALING), scaling, {"name": SCALING})
    graph, params = nnx.split(untrained_network(run.config, space.autoencoder.latent_shape))
    loss = denoising_loss(graph, build_schedule(settings), jax.vmap(scaling.colour))
    fit_stage(
        run,
        "reference",
        identity,
        params,
        loss,
        settings.training,
        (lambda rows: pairs.batch(rows, scaling), len(pairs)),
        (lambda rows: held_out.batch(rows, scaling), len(held_out)),
        lambda best: {"network": best},
        mesh,
    )
