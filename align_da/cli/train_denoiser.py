"""Train the score model on latent pairs of the training period."""

from collections.abc import Iterable
from itertools import product
from pathlib import Path

import jax
from flax import nnx

from align_da.atmosphere import State
from align_da.autoencoder.latent_space import LatentSpace
from align_da.cli.assembly import (
    SCALING,
    World,
    load_space,
    open_world,
    untrained_network,
)
from align_da.cli.fitting import fit_stage
from align_da.config import Config
from align_da.diffusion.build import build_schedule
from align_da.diffusion.correlation import CorrelationRank
from align_da.diffusion.objective import denoising_loss
from align_da.diffusion.scaling import estimate_scaling
from align_da.storage.checkpoints import save_weights
from align_da.storage.stages import run_stage
from align_da.training.latent_pairs import LatentPairs, encode_pairs

_STARTS_AT_ONCE = 100  # bounds the memory of states that wait to be encoded


def run(config: Config, folder: Path) -> None:
    """Train and save the prior "reference"; nothing is done where that has been done before.

    Raises:
        StorageError: backgrounds or the autoencoder are missing or damaged.
    """
    world = open_world(config, folder)
    run_stage(
        world.folder.stages,
        "denoiser",
        [config.seed, config.denoiser],
        ["autoencoder", *world.cycled_stage],
        lambda: _train(world),
    )


def _train(world: World) -> None:
    space = load_space(world)
    pairs = encode_split(world, space, "train")
    held_out = encode_split(world, space, "validation")
    settings = world.config.denoiser
    rank = CorrelationRank(settings.correlation_modes, settings.correlation_radius_km * 1e3)
    scaling = estimate_scaling(pairs.by_lead(), rank)
    save_weights(world.folder.weights(SCALING), scaling, {"name": SCALING})
    graph, params = nnx.split(untrained_network(world.config, space.autoencoder.latent_shape))
    loss = denoising_loss(graph, build_schedule(settings), jax.vmap(scaling.colour))
    fit_stage(
        world,
        "reference",
        params,
        loss,
        settings.training,
        (lambda rows: pairs.batch(rows, scaling), len(pairs)),
        (lambda rows: held_out.batch(rows, scaling), len(held_out)),
        lambda best: {"network": best},
    )


def encode_split(world: World, space: LatentSpace, split: str) -> LatentPairs:
    """Latents of every pair of a split."""

    def parts() -> Iterable[tuple[State, State, float]]:
        for pairs in world.learned_pairs(split):
            for lead, start in product(
                pairs.lead_hours, range(0, pairs.starts.size, _STARTS_AT_ONCE)
            ):
                truth, background = pairs.read(lead, slice(start, start + _STARTS_AT_ONCE))
                yield truth, background, float(lead)

    return encode_pairs(space, parts())
