"""The training of the score model on latent pairs, the same wherever a score model is trained.

The objective is denoising of scaled increments, with noise that has the correlation of `scaling`
(see `align_da.diffusion.objective`). Validation is on pairs that are held out, by the rule of
`align_da.training.batches`.
"""

from dataclasses import dataclass
from typing import Any

import jax
from flax import nnx

from align_da.diffusion.objective import denoising_loss
from align_da.diffusion.schedule import Schedule
from align_da.prior.latent_scaling import LatentScaling
from align_da.training.batches import Cases, batches_of, validation_batches
from align_da.training.latent_pairs import LatentPairs
from align_da.training.loop import Row, fit
from align_da.training.plan import TrainingPlan
from align_da.training.progress import progress_bar
from align_da.training.state import Params
from align_da.training.step import Loss


@dataclass(frozen=True)
class ScoreModelTask:
    """What a score model learns, and from what.

    Attributes:
        graph: structure of the network.
        params: its parameters before training.
        loss: the objective.
        training: pairs that it learns from.
        validation: pairs that are held out.
    """

    graph: nnx.GraphDef
    params: Params
    loss: Loss
    training: Cases
    validation: Cases


@dataclass(frozen=True)
class TrainedScoreModel:
    """A score model, and how it was found.

    Attributes:
        network: with the parameters that were kept.
        history: see `FitResult`.
    """

    network: Any
    history: list[Row]


def score_model_task(
    network: nnx.Module,
    schedule: Schedule,
    scaling: LatentScaling,
    pairs: LatentPairs,
    held_out: LatentPairs,
) -> ScoreModelTask:
    """The task of a score model.

    Args:
        network: before training.
        schedule: of the noise.
        scaling: statistics of latent increments.
        pairs: to learn from.
        held_out: to validate on.
    """
    graph, params = nnx.split(network)

    def cases(chosen: LatentPairs) -> Cases:
        return lambda rows: chosen.batch(rows, scaling), len(chosen)

    return ScoreModelTask(
        graph,
        params,
        denoising_loss(graph, schedule, jax.vmap(scaling.colour)),
        cases(pairs),
        cases(held_out),
    )


def train_score_model(
    task: ScoreModelTask, plan: TrainingPlan, seed: int, title: str
) -> TrainedScoreModel:
    """Train in memory, without checkpoints; the command keeps them (`stages.train_denoiser`).

    Args:
        task: what to learn.
        plan: how long and how fast.
        seed: of batches and noise.
        title: of the progress bar.

    Raises:
        BadStateError: the loss is not finite.
    """
    with progress_bar(title, plan.steps) as report:
        result = fit(
            task.params,
            task.loss,
            batches_of(task.training, plan.batch_size, seed),
            validation_batches(task.validation, plan.batch_size, seed),
            plan,
            seed,
            report=report,
        )
    return TrainedScoreModel(nnx.merge(task.graph, result.params), result.history)
