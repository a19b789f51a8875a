"""A run: its configuration, its folder and its truth, opened."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from align_da.atmosphere import Layout, State
from align_da.atmosphere.balance_score import (
    BalanceMeasures,
    balance_measures,
    balance_variability,
)
from align_da.atmosphere.dataset import layout_from_dataset
from align_da.atmosphere.truncation import SpectralTruncation, spectral_truncation
from align_da.config import Config
from align_da.errors import ConfigError, StorageError
from align_da.observations.batch import ObservationBatch
from align_da.observations.contract import ObservationOperator
from align_da.observations.own_times import at_own_times, slots_of_window
from align_da.registry import OBSERVATION_OPERATORS
from align_da.runs.parts import built
from align_da.storage.background_pairs import BackgroundPairs, open_background_pairs
from align_da.storage.gridded import open_states, read_times
from align_da.storage.run_folder import RunFolder
from align_da.verification.significance import Bootstrap

BindOperator = Callable[[ObservationBatch, Layout], ObservationOperator]
_DATES_OF_BALANCE = 32
"""Of the truth, to see how its balance varies: a standard deviation to an eighth."""


@dataclass(frozen=True)
class Run:
    """A run with its truth opened.

    Attributes:
        config: the configuration.
        folder: where everything of the run lies.
        truth: the nature run; empty where there is none, as with shipped weights.
        layout: layout of every state.
        operator: takes the place of the observation operator that the configuration names.
    """

    config: Config
    folder: RunFolder
    truth: xr.Dataset
    layout: Layout
    operator: BindOperator | None = None

    def __repr__(self) -> str:
        times = self.truth.sizes.get("time", 0)
        truth = f"truth of {times} times" if times else "no truth"
        return f"<Run {self.folder.root}, {self.config.world.model}, {truth}, {self.layout!r}>"

    @cached_property
    def surface_geopotential(self) -> Float[Array, "lat lon"]:
        """Geopotential of the surface that the models see, m2 s-2.

        Raises:
            StorageError: the run has no truth.
        """
        return jnp.asarray(self._of_truth("geopotential_at_surface").to_numpy(), jnp.float32)

    @property
    def last_time(self) -> np.datetime64:
        """Time of the last state of the truth.

        Raises:
            StorageError: the run has no truth.
        """
        last: np.datetime64 = self._of_truth("time").to_numpy()[-1]
        return last

    @cached_property
    def balance_variability(self) -> BalanceMeasures:
        """How the balance of the truth varies over dates spread over its whole length."""
        times = self._of_truth("time").to_numpy()
        chosen = np.unique(np.linspace(0, times.size - 1, _DATES_OF_BALANCE).astype(int))
        found = []
        for time in times[chosen]:
            truth = read_times(self.truth, self.layout, np.asarray([time]))
            state = State(truth.values[0], truth.layout)
            found.append(balance_measures(state, self.surface_geopotential))
        return balance_variability(found)

    def _of_truth(self, name: str) -> xr.DataArray:
        """A variable of the truth, where there is one."""
        if name not in self.truth.variables:
            message = f"expected a truth in {self.folder.truth}, there is none: make or copy it"
            raise StorageError(message)
        return self.truth[name]

    @property
    def bootstrap(self) -> Bootstrap:
        """How intervals of scores are found."""
        return bootstrap_of(self.config)

    @cached_property
    def truncation(self) -> SpectralTruncation | None:
        """What of an increment every method keeps."""
        kept = self.config.analysis.truncation
        return None if kept is None else spectral_truncation(self.layout, kept)

    @cached_property
    def operator_for(self) -> BindOperator:
        """What makes H for the observations of a cycle, at their own times if it has trajectories.

        Raises:
            ConfigError: see `operator_at_once`.
        """
        cycle = self.config.cycle
        slots = slots_of_window(cycle.window_hours, cycle.trajectory_hours)
        return at_own_times(self.operator_at_once, slots) if slots else self.operator_at_once

    @cached_property
    def operator_at_once(self) -> BindOperator:
        """What makes H for observations of one time.

        Raises:
            ConfigError: the part cannot be imported or takes other arguments; when H is made, it
                is none.
        """
        if self.operator is not None:
            return self.operator
        return _named_operator(self.config.observations.operator)

    def pairs(self, split: str) -> BackgroundPairs:
        """Backgrounds of a split (or "cycled_" and a split) beside the truth."""
        return open_background_pairs(self.folder.truth, self.folder.backgrounds(split))

    def learned_pairs(self, split: str) -> tuple[BackgroundPairs, ...]:
        """All backgrounds of a split that the learned parts train on."""
        cycled = [f"cycled_{split}"] if self.config.cycled_backgrounds.segments else []
        return tuple(self.pairs(name) for name in (split, *cycled))

    def pairs_of_lead(self, split: str, lead_hours: int) -> BackgroundPairs:
        """Those of `learned_pairs` with backgrounds `lead_hours` old.

        Raises:
            ConfigError: there are none in this split.
        """
        forecasts = self.config.backgrounds.lead_hours
        if lead_hours in forecasts:
            return self.pairs(split)
        if split != "test" and lead_hours in self.config.learned_lead_hours:
            return self.pairs(f"cycled_{split}")
        message = (
            f"expected backgrounds of {', '.join(map(str, forecasts))} h (backgrounds.lead_hours) "
            f"in the {split} period, {lead_hours} h was asked for: add it there, or ask for "
            "another"
        )
        raise ConfigError(message)


def _named_operator(name: str) -> BindOperator:
    """What makes H by the observation operator called `name`, checked each time."""
    named: BindOperator = OBSERVATION_OPERATORS.load(name)
    OBSERVATION_OPERATORS.check_takes(name, named, ("observations", "layout"))

    def bind(observations: ObservationBatch, layout: Layout) -> ObservationOperator:
        made: ObservationOperator = built(
            OBSERVATION_OPERATORS,
            name,
            named,
            ObservationOperator,
            observations=observations,
            layout=layout,
        )
        return made

    return bind


def bootstrap_of(config: Config) -> Bootstrap:
    """The bootstrap that [verification] asks for."""
    return Bootstrap(config.verification.bootstrap_samples)


def open_run(config: Config, run: Path) -> Run:
    """Open the truth of a run.

    Raises:
        StorageError: there is none.
    """
    folder = RunFolder(run)
    truth = open_states(folder.truth)
    return Run(config, folder, truth, layout_from_dataset(truth))
