"""Trajectories that go on with whatever method they are given, while it learns."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool

from align_da.assimilation.contract import Analysis
from align_da.cycling.twin_experiment import (
    TwinCycle,
    TwinExperiment,
    Twins,
    TwinStates,
    first_states,
)

_BEYOND = 60.0  # no state of the climate has a variable as large


class Trajectories:
    """Truths and ensembles that are cycled a few cycles at a time.

    Attributes:
        states: where they are.
        number: of the next cycle.
    """

    def __init__(
        self,
        experiment: TwinExperiment,
        seeds: tuple[int, ...],
        seen: Callable[[TwinCycle], Any],
        states: TwinStates | None = None,
        number: int = 0,
    ) -> None:
        """Start them.

        Args:
            experiment: its method is that of the first cycles, or one of the same structure.
            seeds: one a trajectory.
            seen: what is kept of a cycle, a pytree of arrays with a leading axis of one.
            states: where they start; as twin experiments do if None.
            number: of the first cycle.
        """
        self._seeds = seeds
        self._twins = Twins(experiment, seen)
        self._first = first_states(experiment, seeds) if states is None else states
        self.states, self.number = self._first, number

    def go_on(self, method: Analysis, cycles: int) -> Any:  # noqa: ANN401  whatever is kept
        """What so many further cycles of every trajectory have met, a case each.

        A trajectory whose filter has left the climate starts again.
        """
        met = []
        for _ in range(cycles):
            self.states, seen = self._twins.cycle(method, self.states, self._seeds, self.number)
            sound = np.abs(np.asarray(self.states.ensemble)).max(axis=(1, 2, 3, 4)) < _BEYOND
            met.append(jax.tree.map(partial(_rows, sound), seen))
            if not sound.all():
                self.states = _chosen(sound, self.states, self._first)
            self.number += 1
        return jax.tree.map(lambda *columns: np.concatenate(columns), *met)


def _chosen(which: Bool[np.ndarray, " seed"], now: TwinStates, other: TwinStates) -> TwinStates:
    """The states of those trajectories, and other ones of the rest."""
    return TwinStates(
        jnp.where(which[:, None, None, None], now.truth, other.truth),
        jnp.where(which[:, None, None, None, None], now.ensemble, other.ensemble),
    )


def _rows(which: Bool[np.ndarray, " seed"], column: jax.Array) -> np.ndarray:
    """What those trajectories have met, a case each."""
    chosen: np.ndarray = np.asarray(column)[which, 0]
    return chosen
