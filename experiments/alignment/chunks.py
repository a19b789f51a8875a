"""A few cycles of all trajectories at a time: where they begin, what is met, how they look."""

from dataclasses import dataclass
from functools import partial

import jax
import numpy as np
from jaxtyping import Array, Float

from align_da.alignment.hacking_monitor import Look
from align_da.assimilation.contract import Analysis
from align_da.cycling.twin_experiment import TwinCycle
from align_da.keys import Purpose, key_for
from align_da.training.analysis_correction import MetCycles
from experiments.alignment.begun import Begun
from experiments.alignment.futures import truths_ahead
from experiments.alignment.looks import look_at, scores_of
from experiments.alignment.rewards import AheadTarget
from experiments.closed_loop.trajectories import Trajectories
from experiments.closed_loop.worlds import LAYOUT, NORMALISATION, World

CYCLES = 8


@dataclass(frozen=True)
class Chunk:
    """Some cycles with one method.

    Attributes:
        begun: where they began.
        met: what they have met, as cases.
        look: at their scores.
    """

    begun: Begun
    met: MetCycles
    look: Look


class Following:
    """Trajectories that go on chunk by chunk."""

    def __init__(self, world: World, method: Analysis, begun: Begun, seed: int) -> None:
        """Follow them.

        Args:
            world: which one.
            method: of the structure of all that will act.
            begun: where they are.
            seed: of errors of observations to come.
        """
        self._world, self._seeds, self._seed = world, begun.seeds, seed
        twins, seen = world.twins(method, cycles=1), partial(_seen, world)
        self._of = Trajectories(twins, begun.seeds, seen, begun.states, begun.number)

    def go_on(self, method: Analysis) -> Chunk:
        """The next chunk, with this method."""
        begun = Begun(self._of.states, self._seeds, self._of.number)
        evidence, members, truth, scores = self._of.go_on(method, CYCLES)
        key = key_for(self._seed, Purpose.OBSERVATION_ERROR, begun.number)
        errors = self._world.error * np.asarray(jax.random.normal(key, truth.shape))
        unit = np.broadcast_to(NORMALISATION.std, (len(truth), LAYOUT.shape[-1]))
        target = AheadTarget(members, truth, truth + errors, unit)
        return Chunk(begun, MetCycles(evidence, target), look_at(scores))


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
