"""A row of the table: what is learned from where, and when it has to stop.

Every row goes on from the same network and the same trajectories, with the same errors, and acts
in full in the cycles that it learns from. Its looks at the cycles that follow, from which nothing
was learned yet, are held against those of the start, which has gone on there without learning.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from align_da.alignment.hacking_monitor import HackingMonitor, Look
from align_da.assimilation.analysis_correction import CorrectedAnalysis
from align_da.assimilation.contract import Analysis
from align_da.training.plan import TrainingPlan
from experiments.alignment.begun import Begun
from experiments.alignment.chunks import Chunk, Following
from experiments.alignment.learners import (
    ByEvolution,
    EvolutionPlan,
    FromCases,
    Learner,
    ThroughCycles,
)
from experiments.alignment.rewards import Reward
from experiments.closed_loop.worlds import World

KEPT = 6  # chunks that are learned from


@dataclass(frozen=True)
class Row:
    """What a network learns after its start.

    Attributes:
        reward: as a loss.
        plan: of gradients, or of an evolution.
        cycles: of a return; 0 learns from cases.
        monitor: stops it.
    """

    reward: Reward
    plan: TrainingPlan | EvolutionPlan
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
        looks: at every chunk, its scores over those of the start on the same truths.
        seconds: of all processors.
        stopped: why it ended early; empty where it did not.
    """

    method: Analysis
    looks: Sequence[Look] = ()
    seconds: float = 0.0
    stopped: str = ""


def without_learning(
    world: World, start: CorrectedAnalysis, begun: Begun, chunks: int, seed: int
) -> list[Chunk]:
    """The first `KEPT` chunks, of which all rows learn first, and so many that they go on in."""
    following = Following(world, start, begun, seed)
    return [following.go_on(start) for _ in range(KEPT + chunks)]


def aligned(
    world: World, start: CorrectedAnalysis, row: Row, of_start: Sequence[Chunk], seed: int
) -> Aligned:
    """A network that goes on learning from a reward.

    Args:
        world: in which.
        start: the network as it is before.
        row: what it learns, and how.
        of_start: chunks of `without_learning`; there are as many rounds as it goes on in.
        seed: of the training.
    """
    begun_at = time.process_time()
    learner = row.learner(world, start, seed)
    kept, others = list(of_start[:KEPT]), of_start[KEPT:]
    following = Following(world, learner.method, others[0].begun, seed)
    looks: list[Look] = []
    stopped = None
    for number, other in enumerate(others):
        learner.learn(kept, number)
        chunk = following.go_on(learner.method)
        kept = [*kept, chunk][-KEPT:]
        looks.append({name: value / other.look[name] for name, value in chunk.look.items()})
        stopped = row.monitor.verdict(looks) if row.monitor else None
        if stopped:
            break
    return Aligned(learner.method, looks, time.process_time() - begun_at, stopped or "")
