"""A row of the table: what is learned from where, and when it has to stop.

Every row goes on from the same network, on the same trajectories with the same errors. It acts in
full in the cycles that it learns from, and looks at every chunk of them before it learns from it.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import jax
import numpy as np
from jaxtyping import Array, Float

from align_da.alignment.hacking_monitor import HackingMonitor, Look
from align_da.assimilation.analysis_correction import CorrectedAnalysis
from align_da.assimilation.contract import Analysis
from align_da.cycling.twin_experiment import TwinCycle
from align_da.keys import Purpose, key_for
from align_da.training.analysis_correction import MetCycles
from align_da.training.plan import TrainingPlan
from experiments.alignment.begun import Begun
from experiments.alignment.futures import truths_ahead
from experiments.alignment.learners import (
    ByEvolution,
    EvolutionPlan,
    FromCases,
    Learner,
    ThroughCycles,
)
from experiments.alignment.looks import look_at, scores_of
from experiments.alignment.rewards import AheadTarget, Reward
from experiments.closed_loop.trajectories import Trajectories
from experiments.closed_loop.worlds import LAYOUT, NORMALISATION, World

CHUNK = 8  # cycles


@dataclass(frozen=True)
class Row:
    """What a network learns after its start.

    Attributes:
        reward: as a loss.
        plan: of gradients, or of an evolution.
        chunks: of cycles.
        cycles: of a return; 0 learns from cases.
        monitor: stops it.
    """

    reward: Reward
    plan: TrainingPlan | EvolutionPlan
    chunks: int
    cycles: int = 0
    monitor: HackingMonitor | None = None

    def learner(self, world: World, start: CorrectedAnalysis, seed: int) -> Learner:
        """One that begins."""
        if isinstance(self.plan, EvolutionPlan):
            return ByEvolution(world, start, self.reward, self.plan, seed, self.cycles)
        if self.cycles:
            return ThroughCycles(world, start, self.reward, self.plan, seed, self.cycles)
        return FromCases(world, start, self.reward, self.plan, seed)


@dataclass(frozen=True)
class Aligned:
    """What a row has come to.

    Attributes:
        method: that it ended with.
        looks: at every chunk before anything was learned from it.
        seconds: of all processors.
        stopped: why it ended early; empty where it did not.
    """

    method: Analysis
    looks: Sequence[Look]
    seconds: float
    stopped: str = ""


def aligned(
    world: World, start: CorrectedAnalysis, row: Row, trained: Begun, seed: int
) -> Aligned:
    """A network that goes on learning from a reward.

    Args:
        world: in which.
        start: the network as it is before.
        row: what it learns, and how.
        trained: trajectories that have cycled with the start.
        seed: of the training.
    """
    begun_at = time.process_time()
    learner = row.learner(world, start, seed)
    twins = world.twins(learner.method, cycles=1)
    seen, seeds = partial(_seen, world), trained.seeds
    trajectories = Trajectories(twins, seeds, seen, trained.states, trained.number)
    looks: list[Look] = []
    stopped = None
    for number in range(row.chunks):
        begun = Begun(trajectories.states, seeds, trajectories.number)
        evidence, members, truth, scores = trajectories.go_on(learner.method, CHUNK)
        looks.append(look_at(scores))
        stopped = row.monitor.verdict(looks) if row.monitor else None
        if stopped:
            break
        observed = _observed(world, truth, key_for(seed, Purpose.OBSERVATION_ERROR, number))
        unit = np.broadcast_to(NORMALISATION.std, (len(truth), LAYOUT.shape[-1]))
        met = MetCycles(evidence, AheadTarget(members, truth, observed, unit))
        learner.learn(met, begun, number)
    seconds = time.process_time() - begun_at
    return Aligned(learner.method, looks, seconds, stopped or "")


def _seen(world: World, cycle: TwinCycle) -> tuple[Float[Array, "1 *shape"], ...]:
    """Evidence, members before the correction, truths ahead, and scores."""
    learned = cycle.report.learned
    if learned is None:
        message = "expected a method with a correction"
        raise TypeError(message)
    apart = cycle.analysis - cycle.analysis.mean(axis=0)
    members = learned.mean + apart * learned.spread / apart.std(axis=0, ddof=1)
    truth = truths_ahead(world, cycle.truth)
    scores = scores_of(world, cycle)
    return learned.evidence[None], members[None], truth[None], scores[None]


def _observed(
    world: World, truth: Float[np.ndarray, "*shape"], key: jax.Array
) -> Float[np.ndarray, "*shape"]:
    """Truths ahead with errors of observations that no analysis has seen."""
    errors = world.error * np.asarray(jax.random.normal(key, truth.shape))
    return np.asarray(truth + errors)
