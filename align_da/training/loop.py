"""The training loop: steps, validation, early stopping, checkpoints.

Everything that decides about the next step is in the checkpoint or a function of the step, so that
a training that was killed ends with the same bits as one that was not.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array

from align_da.digests import digest_of
from align_da.errors import BadStateError, InputError, StorageError
from align_da.keys import Purpose, key_for
from align_da.parallel.meeting import meet, writes
from align_da.parallel.mesh import placed, split_batch, whole
from align_da.storage.array_digest import digest_of_array
from align_da.storage.checkpoints import newest_whole, save_step
from align_da.storage.training_checkpoints import IDENTITY, check_computed_alike, computed
from align_da.training.optimizer import make_optimizer
from align_da.training.plan import TrainingPlan
from align_da.training.prefetch import prefetched
from align_da.training.state import Params, TrainState, copied, initial_state
from align_da.training.step import Loss, Metrics, TrainingStep, make_evaluation, make_step

ProgressReport = Callable[[int, Mapping[str, Array]], None]
"""(steps done, metrics of the last one) -> None; called after every step."""
Row = dict[str, float]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class FitResult:
    """What a training returns.

    Attributes:
        params: the averaged parameters with the lowest validation loss; the last ones where the
            plan wants no early stopping.
        history: one row a validation, from step 0 on: `step`, and the mean of every metric since
            the last row (`training_loss`, ...) and over the validation batches
            (`validation_loss`, ...). Row 0 has no training metrics.
    """

    params: Params
    history: list[Row]


@dataclass(frozen=True)
class _Run:
    """How far a training has come: what a checkpoint holds."""

    state: TrainState
    best: Params  # a copy, since a step takes what `state` holds
    best_loss: float
    stale: int  # validations since the best
    history: tuple[Row, ...]

    @property
    def step(self) -> int:
        return int(self.state.step)


@dataclass(frozen=True)
class _Task:
    """What stays the same throughout a training."""

    step: TrainingStep
    evaluate: Callable[..., Metrics]
    batch_at: Callable[[int], Any]
    validation_batches: Sequence[Any]
    plan: TrainingPlan
    seed: int
    identity: str  # what a checkpoint must have been made with to go on from it
    mesh: Mesh | None
    report: ProgressReport | None


def fit(
    params: Params,
    loss: Loss,
    batch_at: Callable[[int], Any],
    validation_batches: Sequence[Any],
    plan: TrainingPlan,
    seed: int,
    checkpoints: Path | None = None,
    mesh: Mesh | None = None,
    report: ProgressReport | None = None,
    identity: str | None = None,
) -> FitResult:
    """Train until the steps are used up or validation has not improved for `patience` times.

    Without `plan.early_stopping` all steps are made, whatever validation says.

    Args:
        params: initial parameters.
        loss: what is minimised, a mean over the batch.
        batch_at: the batch of a step, a pure function (see `BatchPlan`).
        validation_batches: batches of equal size; they see the same keys each time.
        plan: steps, learning rate and so on.
        seed: seed of the keys that the loss gets, by step.
        checkpoints: folder to save to every `validate_every` steps, and to go on from if it holds
            checkpoints already.
        mesh: devices that batches and parameters are split over; None is the default device.
        report: told of every step, for example by `progress_bar`.
        identity: digest of all that defines the training (data, network, settings, seed), by which
            it knows its own checkpoints; of settings and seed alone where there is none.

    Raises:
        BadStateError: the loss is not finite.
        InputError: there is no validation batch, batches cannot be split over the mesh, or those
            of another process are not the same.
        StorageError: checkpoints cannot be written, none of them is whole, or they belong to
            another training or to a process that computes otherwise.
    """
    if not validation_batches:
        message = "expected at least one validation batch, got none: hold some cases back"
        raise InputError(message)
    optimizer = make_optimizer(plan)
    task = _Task(
        step=make_step(loss, optimizer, plan.ema_decay, mesh),
        evaluate=make_evaluation(loss, mesh),
        batch_at=batch_at,
        validation_batches=validation_batches,
        plan=plan,
        seed=seed,
        identity=digest_of(plan, seed) if identity is None else identity,
        mesh=mesh,
        report=report,
    )
    start = placed(initial_state(params, optimizer), mesh)
    run = _resume(checkpoints, start, task) or _first(start, task)
    _meet(run, params, task)
    while run.step < plan.steps and not (plan.early_stopping and run.stale >= plan.patience):
        run = _until_next_validation(run, task)
        if checkpoints is not None:
            _save(checkpoints, run, task)
    kept = run.best if plan.early_stopping else run.state.ema
    return FitResult(whole(kept, mesh), list(run.history))


def _first(start: TrainState, task: _Task) -> _Run:
    """The run before the first step, validated: training must beat where it starts."""
    validation = _validate(start, task)
    row = {"step": 0.0, **validation}
    return _Run(start, copied(start.ema), validation["validation_loss"], 0, (row,))


def _meet(run: _Run, params: Params, task: _Task) -> None:
    """Let no process train with other parameters or batches than the others: none would notice.

    Raises:
        InputError: one would.
    """
    if jax.process_count() > 1:
        arrays = jax.tree.leaves((params, task.batch_at(run.step), task.validation_batches))
        digests = [digest_of_array(np.asarray(array)) for array in arrays]
        meet("the start of a training", run.step, task.identity, computed(), digests)


def _until_next_validation(run: _Run, task: _Task) -> _Run:
    """Train to the next multiple of `validate_every` (or the end) and validate."""
    every = task.plan.validate_every
    end = min((run.step // every + 1) * every, task.plan.steps)
    state, metrics = run.state, []
    steps = range(run.step, end)
    batches = prefetched(lambda step: split_batch(task.batch_at(step), task.mesh), steps)
    for step, batch in zip(steps, batches, strict=True):
        state, of_step = task.step(state, batch, key_for(task.seed, Purpose.TRAINING, step))
        metrics.append(of_step)
        if task.report is not None:
            task.report(step + 1, of_step)
    training = _mean(metrics, "training", end)
    validation = _validate(state, task)
    history = (*run.history, {"step": float(end), **training, **validation})
    if validation["validation_loss"] < run.best_loss:
        return _Run(state, copied(state.ema), validation["validation_loss"], 0, history)
    return _Run(state, run.best, run.best_loss, run.stale + 1, history)


def _validate(state: TrainState, task: _Task) -> Row:
    """Mean metrics of the averaged parameters over the validation batches."""
    metrics = [
        task.evaluate(
            state.ema,
            split_batch(batch, task.mesh),
            key_for(task.seed, Purpose.VALIDATION, index),
        )
        for index, batch in enumerate(task.validation_batches)
    ]
    return _mean(metrics, "validation", int(state.step))


def _mean(metrics: Sequence[Metrics], name: str, step: int) -> Row:
    """Mean of each metric in double precision, as `name_metric`.

    Raises:
        BadStateError: the mean loss is not finite.
    """
    found = jax.device_get(list(metrics))
    means = {
        f"{name}_{key}": float(np.mean([row[key] for row in found], dtype=np.float64))
        for key in found[0]
    }
    if not np.isfinite(means[f"{name}_loss"]):
        message = (
            f"expected a finite {name} loss, got {means[f'{name}_loss']} at step {step}: "
            "lower learning_rate or gradient_clip, or look for non-finite training data"
        )
        raise BadStateError(message)
    return means


def _save(folder: Path, run: _Run, task: _Task) -> None:
    """Write a checkpoint."""
    metadata = {
        IDENTITY: task.identity,
        **computed(),
        "best_loss": run.best_loss,
        "stale": run.stale,
        "history": list(run.history),
    }
    tree = whole({"state": run.state, "best": run.best}, task.mesh)
    if writes():
        save_step(folder, run.step, tree, metadata)


def _resume(folder: Path | None, start: TrainState, task: _Task) -> _Run | None:
    """The run of the newest whole checkpoint; None where there is none.

    Raises:
        StorageError: the checkpoint belongs to another training, or was computed otherwise.
    """
    if folder is None:
        return None
    found, warnings = newest_whole(folder, {"state": start, "best": start.ema})
    for warning in warnings:
        _LOG.warning(warning)
    if found is None:
        return None
    if found.metadata.get(IDENTITY) != task.identity:
        message = (
            f"the checkpoints in {folder} belong to a training with other settings, other data or "
            "another seed: remove them to train anew, or restore the settings to go on"
        )
        raise StorageError(message)
    check_computed_alike(folder, found.metadata)
    tree = placed(found.tree, task.mesh)
    about = found.metadata
    return _Run(
        tree["state"], tree["best"], about["best_loss"], about["stale"], tuple(about["history"])
    )
