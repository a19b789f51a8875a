"""The cycling loop: forecast, analysis, forecast, ...

It knows no files and no clock. Whoever runs it takes each cycle as it is done: the driver stores
it, the pipelines keep its background, a notebook plots it.
"""

from collections.abc import Callable, Iterable, Iterator

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
    for observations in observed:
        if stopped():
            return
        background, replaced = make_background(parts, state, adjusted)
        if stopped():
            return
        cycle = assimilate(parts, state, background, observations, replaced)
        yield cycle
        state = cycle.following
