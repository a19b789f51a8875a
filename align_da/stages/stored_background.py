"""The background of a stored cycle as its method saw it, through the window where it has to be."""

from dataclasses import replace

from align_da.atmosphere import State
from align_da.cycling.cycle import CycleParts, CycleState, make_background
from align_da.cycling.stored_cycle import StoredCycle, StoredCycles
from align_da.runs.initial_ensemble import initial_ensemble
from align_da.runs.run import Run


def background_of(run: Run, parts: CycleParts, cycles: StoredCycles, stored: StoredCycle) -> State:
    """The background of a cycle; its drift, which is not stored, is forecast again.

    Args:
        run: the run.
        parts: what its cycles are made of.
        cycles: all of them.
        stored: the one whose background it is.

    Raises:
        StorageError: the analysis before it is damaged, or the backgrounds of the run are.
    """
    if not parts.slots:
        return stored.background
    if stored.number:
        first = cycles.ensemble("analysis", stored.number - 1)
    else:
        first, _ = initial_ensemble(run)
    before = CycleState(first, stored.valid_time - parts.window, stored.number)
    made, _ = make_background(parts, before)
    return replace(stored.background, drift=made.drift)
