"""Closed-loop learning of a correction of analyses, a few cycles at a time.

All trajectories go on while the network learns, so that it sees at every time the cycles that it
makes itself. The last cycles are kept and drawn from; states are data, and no gradient flows
through a cycle. Off-policy nothing of the network acts in the cycles that it learns from.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from align_da.assimilation.analysis_correction import (
    AnalysisCorrection,
    CorrectedAnalysis,
    EvidenceScaling,
)
from align_da.assimilation.correction_network import CorrectionNetwork
from align_da.cycling.twin_experiment import TwinCycle
from align_da.keys import Purpose, key_for
from align_da.observations.batch import Flag
from align_da.observations.interpolation import InterpolationOperator, interpolation_operator
from align_da.parallel.progress import progress_bar
from align_da.training.analysis_correction import (
    Aggregated,
    Judgement,
    MetCycles,
    cases_of,
    correction_loss,
    scaling_of,
)
from align_da.training.optimizer import make_optimizer
from align_da.training.plan import TrainingPlan
from align_da.training.state import TrainState, initial_state
from align_da.training.step import TrainingStep, make_step
from align_da.training.truth_target import TruthTarget, judged_by_truth
from align_da.training.withheld_target import judged_by_withheld, withheld_target
from experiments.closed_loop.trajectories import Trajectories
from experiments.closed_loop.withheld import Withheld
from experiments.closed_loop.worlds import LAYOUT, NORMALISATION, World

TRAJECTORIES = 128
SPIN_UP = 30  # cycles of the filter alone
CHUNK = 8  # cycles between two changes of the network
KEPT = 6  # chunks that are drawn from
STEPS = 40  # of the optimizer a chunk
BATCH = 128
WIDTH, DEPTH = 32, 2
ALL = ("background", "spread", "gradient", "increment", "reduction")
SEEDS = 10_000  # between two trainings; those of evaluations are below it


@dataclass(frozen=True)
class Recipe:
    """How a correction is learned.

    Attributes:
        evidence: what the network sees.
        own_cycles: whether it acts, in full, in the cycles that it learns from.
        acts: before or after the analysis.
        scales_spread: whether it corrects the spread too.
        chunks: of cycles that it learns from.
        withheld: observations that the analysis does not see, and that are all it learns from;
            None learns from the truth.
    """

    evidence: tuple[str, ...] = ALL
    own_cycles: bool = True
    acts: Literal["before", "after"] = "after"
    scales_spread: bool = False
    chunks: int = 60
    withheld: Withheld | None = None


def learned(world: World, recipe: Recipe, seed: int) -> CorrectedAnalysis:
    """The filter of a world with the correction that a recipe finds, acting in full."""
    method = untrained(world, recipe, seed)
    cycling = _trajectories(world, method, recipe, seed)
    cycling.go_on(method, SPIN_UP)
    graph, params = nnx.split(method.correction.network)
    plan = _plan(recipe)
    optimizer = make_optimizer(plan)
    state = initial_state(params, optimizer)
    loss = correction_loss(graph, _judged_by(recipe), scales_spread=recipe.scales_spread)
    step = make_step(loss, optimizer, plan.ema_decay)
    kept: list[MetCycles] = []
    scaling = method.correction.scaling
    with progress_bar() as bar:
        for number in bar.track(range(recipe.chunks), description=f"learning, seed {seed}"):
            kept = [*kept, cycling.go_on(method, CHUNK)][-KEPT:]
            source = Aggregated(tuple(kept))
            scaling = scaling if number else scaling_of(source, LAYOUT.shape[-1])
            state = _improved(state, step, source, scaling, seed, number)
            network = nnx.merge(graph, jax.tree.map(jnp.copy, state.ema))
            correction = replace(method.correction, network=network, scaling=scaling)
            method = replace(method, correction=correction)
    acting = world.letkf(world.tuned)
    return replace(method, base=acting, operator_for=acting.operator_for, share=1.0)


def _trajectories(
    world: World, method: CorrectedAnalysis, recipe: Recipe, seed: int
) -> Trajectories:
    """Those that a recipe learns from."""
    experiment = world.twins(method, cycles=1)
    if recipe.withheld is not None:
        planned, flagged = recipe.withheld.planned(world), recipe.withheld.flagged
        experiment = replace(experiment, planned=planned, flagged=flagged)
    operator = interpolation_operator(experiment.planned, LAYOUT)
    first = SEEDS * (1 + seed)
    seeds = tuple(range(first, first + TRAJECTORIES))
    return Trajectories(experiment, seeds, partial(_seen, operator, recipe))


def _seen(operator: InterpolationOperator, recipe: Recipe, cycle: TwinCycle) -> MetCycles:
    """A cycle as a case to learn from."""
    learned = cycle.report.learned
    if learned is None:
        message = "expected a method with a correction"
        raise TypeError(message)
    std = NORMALISATION.std
    if recipe.withheld is not None:
        hidden = cycle.observations.flag == Flag.PASSIVE
        target = withheld_target(cycle.observations, hidden, learned, operator, std)
        return MetCycles(learned.evidence[None], target)
    error = (cycle.truth - learned.mean) / std
    return MetCycles(
        learned.evidence[None], TruthTarget(error[None], (learned.spread / std)[None])
    )


def _judged_by(recipe: Recipe) -> Judgement:
    """How the target of a recipe judges."""
    if recipe.withheld is not None:
        return judged_by_withheld()
    return judged_by_truth(jnp.ones((*LAYOUT.grid.shape, 1)))


def _improved(
    state: TrainState,
    step: TrainingStep,
    source: Aggregated,
    scaling: EvidenceScaling,
    seed: int,
    chunk: int,
) -> TrainState:
    """The state after some steps on cases drawn from a source."""
    batch_of, count = cases_of(source, scaling)
    key = key_for(seed, Purpose.TRAINING, chunk)
    rows = np.asarray(jax.random.randint(key, (STEPS, BATCH), 0, count))
    for chosen in rows:
        state, _ = step(state, batch_of(chosen), key)
    return state


def untrained(world: World, recipe: Recipe, seed: int) -> CorrectedAnalysis:
    """The method of a world with a correction that corrects nothing yet."""
    inputs, outputs = len(recipe.evidence), 2 if recipe.scales_spread else 1
    key = key_for(seed, Purpose.PARAMETERS)
    network = CorrectionNetwork(inputs, outputs, width=WIDTH, depth=DEPTH, rngs=nnx.Rngs(key))
    as_it_is = EvidenceScaling(jnp.zeros(inputs), jnp.ones(inputs), jnp.ones(1))
    correction = AnalysisCorrection(
        network, as_it_is, NORMALISATION, recipe.evidence, recipe.scales_spread
    )
    planned = world.planned if recipe.withheld is None else recipe.withheld.planned(world)
    filtered = world.letkf(world.tuned, planned)
    share = 1.0 if recipe.own_cycles else 0.0
    return CorrectedAnalysis(filtered, correction, filtered.operator_for, share, recipe.acts)


def _plan(recipe: Recipe) -> TrainingPlan:
    return TrainingPlan(
        steps=recipe.chunks * STEPS,
        batch_size=BATCH,
        learning_rate=2e-3,
        warm_up_steps=50,
        weight_decay=1e-3,
        gradient_clip=1.0,
        ema_decay=0.99,
        validate_every=STEPS,
        early_stopping=False,
        patience=1,
    )
