"""One training as a stage: batches, progress, checkpoints, weights and loss curve."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Int

from align_da.cli.assembly import World
from align_da.config import TrainingConfig, digest_of
from align_da.storage.checkpoints import save_weights
from align_da.training.batches import BatchPlan
from align_da.training.history import draw_history, write_history
from align_da.training.loop import fit
from align_da.training.mesh import device_mesh
from align_da.training.progress import progress_bar
from align_da.training.state import Params
from align_da.training.step import Loss

BatchOf = Callable[[Int[np.ndarray, " batch"]], Any]
"""Row numbers → batch."""
_VALIDATION_BATCHES = 8


def fit_stage(
    world: World,
    name: str,
    params: Params,
    loss: Loss,
    config: TrainingConfig,
    training: tuple[BatchOf, int],
    validation: tuple[BatchOf, int],
    bundle: Callable[[Params], Any],
) -> Params:
    """Train, and write weights, loss history and its picture.

    Args:
        world: the run.
        name: of the weights.
        params: initial parameters.
        loss: what is minimised.
        config: how to train.
        training: makes training batches, and the number of cases.
        validation: likewise.
        bundle: what is saved beside the best parameters, as one pytree.

    Returns:
        The best parameters.
    """
    seed, folder = world.config.seed, world.folder
    plan = BatchPlan(training[1], config.batch_size, seed)
    held_out = BatchPlan(validation[1], config.batch_size, seed)
    with progress_bar(name, config.steps) as report:
        result = fit(
            params,
            loss,
            lambda step: training[0](plan.indices(step)),
            [validation[0](held_out.indices(index)) for index in range(_VALIDATION_BATCHES)],
            config,
            seed,
            checkpoints=folder.checkpoints(name),
            mesh=_mesh(),
            report=report,
        )
    metadata = {"name": name, "configuration": digest_of(world.config), "seed": seed}
    save_weights(folder.weights(name), bundle(result.params), metadata)
    folder.report.mkdir(parents=True, exist_ok=True)
    write_history(folder.report / f"loss_{name}.jsonl", result.history)
    draw_history(folder.report / f"loss_{name}.png", result.history, f"Training of {name}")
    return result.params


def _mesh() -> Mesh | None:
    """All devices where there are several."""
    return device_mesh() if jax.device_count() > 1 else None
