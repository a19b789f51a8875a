"""One training as a stage: batches, progress, checkpoints, weights and loss curve."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jax.sharding import Mesh

from align_da.config import TrainingConfig
from align_da.digests import digest_of
from align_da.parallel.meeting import meet, writes
from align_da.parallel.mesh import check_batch
from align_da.runs.run import Run
from align_da.runs.training_plan import training_plan
from align_da.storage.checkpoints import save_weights
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import Stage, definition_digest
from align_da.storage.stages import run_stage
from align_da.storage.training_checkpoints import claim_checkpoints
from align_da.training.batches import Cases, batches_of, validation_batches
from align_da.training.history import draw_history, write_history
from align_da.training.loop import Row, fit
from align_da.training.progress import progress_bar
from align_da.training.state import Params
from align_da.training.step import Loss

_LOG = logging.getLogger(__name__)


def training_stage(
    folder: RunFolder,
    stage: Stage,
    config: TrainingConfig,
    train: Callable[[str], object],
    mesh: Mesh | None,
) -> None:
    """Run the stage of a training (see `run_stage`) in all processes that train together.

    The first owns the stage and leaves its record; the others end after it.

    Args:
        folder: of the run.
        stage: what is trained on what.
        config: how to train.
        train: does the work; is given the identity of the training.
        mesh: devices that train together.

    Raises:
        InputError: batches cannot be split over the devices, or a process differs.
        StorageError: an input is missing or damaged, or another training owns the stage.
    """
    check_batch((config.batch_size,), mesh)
    identity = definition_digest(folder, stage)

    def together() -> None:
        meet(f"the stage {stage.name}")
        train(identity)

    run_stage(folder, stage, together, writes=writes())
    meet(f"the end of the stage {stage.name}")


def fit_stage(
    run: Run,
    name: str,
    identity: str,
    params: Params,
    loss: Loss,
    config: TrainingConfig,
    training: Cases,
    validation: Cases,
    bundle: Callable[[Params], Any],
    mesh: Mesh | None,
) -> Params:
    """Train, and write weights, loss history and its picture.

    Goes on from the checkpoints of this very training; those of another one are set aside.

    Args:
        run: the run.
        name: of the weights.
        identity: digest of all that defines the training.
        params: initial parameters.
        loss: what is minimised.
        config: how to train.
        training: makes training batches, and the number of cases.
        validation: likewise.
        bundle: what is saved beside the best parameters, as one pytree.
        mesh: devices that train together.

    Returns:
        The best parameters.
    """
    seed, folder, plan = run.config.seed, run.folder, training_plan(config)
    checkpoints = _own_checkpoints(folder.checkpoints(name), identity)
    with progress_bar(name, plan.steps) as report:
        result = fit(
            params,
            loss,
            batches_of(training, plan.batch_size, seed),
            validation_batches(validation, plan.batch_size, seed),
            plan,
            seed,
            checkpoints=checkpoints,
            mesh=mesh,
            report=report,
            identity=identity,
        )
    if writes():
        if plan.early_stopping and _kept_start(result.history):
            _LOG.warning(
                "%s: no validation was better than that before the first step, whose weights are "
                "kept: train longer or slower, or set early_stopping = false for the last ones",
                name,
            )
        metadata = {"name": name, "configuration": digest_of(run.config), "seed": seed}
        save_weights(folder.weights(name), bundle(result.params), metadata)
        write_history(folder.report / f"loss_{name}.jsonl", result.history)
        draw_history(folder.report / f"loss_{name}.png", result.history, f"Training of {name}")
    return result.params


def _kept_start(history: Sequence[Row]) -> bool:
    """Whether the first validation, before any step, is the best."""
    losses = [row["validation_loss"] for row in history]
    return losses[0] <= min(losses)


def _own_checkpoints(folder: Path, identity: str) -> Path:
    """The folder of checkpoints, rid of those of another training before anyone reads them."""
    set_aside = claim_checkpoints(folder, identity) if writes() else None
    if set_aside is not None:
        _LOG.warning(
            "%s held checkpoints of another training (settings, data, network or seed differ): "
            "they are set aside in %s; remove them if that training is not to go on",
            folder,
            set_aside,
        )
    meet(f"the checkpoints in {folder.name}")
    return folder
