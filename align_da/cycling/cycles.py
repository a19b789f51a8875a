"""The cycling loop: forecast, analysis, forecast, ...

It knows no files and no clock. Whoever runs it takes each cycle as it is done: the driver stores
it, the pipelines keep its background, a notebook plots it.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator

from align_da.assimilation.letkf import LETKF
from align_da.assimilation.localisation_reach import told_of_reach
from align_da.atmosphere import State
from align_da.cycling.cycle import Cycle, CycleParts, CycleState, assimilate, make_background
from align_da.observations.batch import ObservationBatch


def cycles(
    parts: CycleParts,
    state: CycleState,
    observed: Iterable[ObservationBatch],
    adjusted: Callable[[State], State] = lambda background: background,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Cycle]:
    """One cycle for every batch of observations.

    Of a LETKF whose localisation does nothing, or leaves columns without observations in the first
    window, a warning tells, in the words of `align-da cycle`.

    Args:
        parts: what the cycles are made of.
        state: what the first of them starts from.
        observed: the observations of each window in turn, their times relative to its valid time;
            each is asked for before the forecast to its window.
        adjusted: what becomes of a background before it is used.
        stopped: whether to end, asked before every forecast and every analysis; the cycle in hand
            is then left.

    Yields:
        Every cycle when it is done.

    Raises:
        BadStateError: more members of a background or analysis than may be replaced are not finite
            or not plausible.
    """
    yield from loop(parts, state, _with_reach_told(parts, state, observed), adjusted, stopped)


def _with_reach_told(
    parts: CycleParts, state: CycleState, observed: Iterable[ObservationBatch]
) -> Iterator[ObservationBatch]:
    """The observations, with warnings of the localisation when the first are asked for."""
    for number, observations in enumerate(observed):
        if number == 0 and isinstance(parts.analysis, LETKF):
            for line in told_of_reach(parts.analysis, observations, state.analysis.layout.grid):
                warnings.warn(f"{line}; a Localisation takes metres", stacklevel=1)
        yield observations


def loop(
    parts: CycleParts,
    state: CycleState,
    observed: Iterable[ObservationBatch],
    adjusted: Callable[[State], State] = lambda background: background,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Cycle]:
    """As `cycles`, for those who tell of a localisation themselves, or have nobody to tell."""
    for observations in observed:
        if stopped():
            return
        background, replaced = make_background(parts, state, adjusted)
        if stopped():
            return
        cycle = assimilate(parts, state, background, observations, replaced)
        yield cycle
        state = cycle.following
