"""One training as a stage: batches, progress, checkpoints, weights and loss curve."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

from jax.sharding import Mesh

from align_da.config import TrainingConfig, digest_of
from align_da.parallel.meeting import meet, writes
from align_da.parallel.mesh import check_batch
from align_da.runs.run import Run
from align_da.storage.checkpoints import save_weights
from align_da.storage.lock import owned
from align_da.storage.stages import run_stage
from align_da.training.batches import Cases, batches_of, validation_batches
from align_da.training.history import draw_history, write_history
from align_da.training.loop import fit
from align_da.training.progress import progress_bar
from align_da.training.state import Params
from align_da.training.step import Loss


def training_stage(
    run: Run,
    name: str,
    config: TrainingConfig,
    defined_by: Sequence[object],
    inputs: Sequence[str],
    train: Callable[[], object],
    mesh: Mesh | None,
) -> None:
    """Run the stage of a training (see `run_stage`) in all processes that train together.

    The first owns the stage and leaves its record; the others end after it.

    Args:
        run: the run.
        name: of the stage.
        config: how to train.
        defined_by: what defines the result.
        inputs: names of the stages whose results are read.
        train: does the work.
        mesh: devices that train together.

    Raises:
        InputError: batches cannot be split over the devices, or a process differs.
        StorageError: an input is missing or damaged, or another training owns the stage.
    """
    check_batch((config.batch_size,), mesh)
    stages = run.folder.stages

    def together() -> None:
        owner = owned(stages / f"{name}.lock") if writes() else nullcontext()
        with owner:
            meet(f"the stage {name}")
            train()

    run_stage(stages, name, defined_by, inputs, together, writes=writes())
    meet(f"the end of the stage {name}")


def fit_stage(
    run: Run,
    name: str,
    params: Params,
    loss: Loss,
    config: TrainingConfig,
    training: Cases,
    validation: Cases,
    bundle: Callable[[Params], Any],
    mesh: Mesh | None,
) -> Params:
    """Train, and write weights, loss history and its picture.

    Args:
        run: the run.
        name: of the weights.
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
    seed, folder = run.config.seed, run.folder
    with progress_bar(name, config.steps) as report:
        result = fit(
            params,
            loss,
            batches_of(training, config.batch_size, seed),
            validation_batches(validation, config.batch_size, seed),
            config,
            seed,
            checkpoints=folder.checkpoints(name),
            mesh=mesh,
            report=report,
        )
    if writes():
        metadata = {"name": name, "configuration": digest_of(run.config), "seed": seed}
        save_weights(folder.weights(name), bundle(result.params), metadata)
        folder.report.mkdir(parents=True, exist_ok=True)
        write_history(folder.report / f"loss_{name}.jsonl", result.history)
        draw_history(folder.report / f"loss_{name}.png", result.history, f"Training of {name}")
    return result.params
