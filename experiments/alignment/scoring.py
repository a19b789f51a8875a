"""Scores of a method in the cycles after it has taken the place of the one that all start from."""

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from align_da.assimilation.contract import Analysis
from align_da.cycling.twin_experiment import Twins
from experiments.alignment.begun import Begun
from experiments.alignment.looks import scores_of
from experiments.closed_loop.worlds import World

CYCLES = 120
PHASES: Mapping[str, slice] = {
    "all": slice(20, CYCLES),
    "1": slice(0, 1),
    "20": slice(10, 30),
    "120": slice(CYCLES - 20, CYCLES),
}
"""Cycles after the switch over which scores are means; "all" is what tables show."""


def scores_after(
    world: World, method: Analysis, begun: Begun, cycles: int = CYCLES
) -> Iterator[tuple[object, ...]]:
    """(phase, trajectory, scores of `looks.scores_of`) of the phases that begin."""
    twins = Twins(world.twins(method, cycles), partial(scores_of, world))
    states, kept = begun.states, []
    for number in range(begun.number, begun.number + cycles):
        states, scores = twins.cycle(method, states, begun.seeds, number)
        kept.append(np.asarray(scores))
    found = np.stack(kept)
    begins = {phase: those for phase, those in PHASES.items() if those.start < cycles}
    for phase, those in begins.items():
        for trajectory, means in enumerate(found[those].mean(axis=0)):
            yield (phase, trajectory, *_flat(means))


def _flat(means: np.ndarray) -> list[float]:
    """RMSE and CRPS of every lead, and the spread of the analysis, to four digits."""
    values = [*means[:, 0], *means[:, 1], means[0, 2]]
    return [float(f"{value:.4g}") for value in values]
