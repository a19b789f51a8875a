"""A stored cycle, read and made again.

The store keeps the background, the observations after quality control and the analysis; keys
depend on the seed and the number of the cycle. So an analysis can be made again without the cycles
before it, and with an observation less.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Float

from align_da.assimilation.contract import Analysis
from align_da.atmosphere import Layout, State
from align_da.atmosphere.dataset import state_from_dataset
from align_da.cycling.cycle import Cycle, CycleParts, CycleState, assimilate
from align_da.cycling.record import observations_of_record
from align_da.errors import InputError
from align_da.keys import Purpose, key_for
from align_da.observations.batch import ObservationBatch
from align_da.storage.stored_cycles import open_cycles


@dataclass(frozen=True)
class StoredCycle:
    """A cycle as the store has it.

    Attributes:
        number: of the cycle, from 0.
        valid_time: of background and analysis.
        background: ensemble, values [member, lat, lon, channel], SI units, without a drift.
        analysis: likewise.
        observations: quality controlled, levels as those of the state.
        background_equivalent: H of the background mean, SI units.
        analysis_equivalent: H of the analysis mean, SI units.
        background_factor: what the assumed variance of background errors was multiplied by.
    """

    number: int
    valid_time: np.datetime64
    background: State
    analysis: State
    observations: ObservationBatch
    background_equivalent: Float[np.ndarray, " observation"]
    analysis_equivalent: Float[np.ndarray, " observation"]
    background_factor: float


@dataclass(frozen=True)
class StoredCycles:
    """The complete cycles of a store; each is verified when it is read.

    Attributes:
        groups: of the store, by name.
        layout: of the states.
    """

    groups: dict[str, xr.Dataset]
    layout: Layout

    @property
    def times(self) -> np.ndarray:
        """Valid time of every complete cycle, [cycle]."""
        return np.asarray(self.groups["analysis"]["time"])

    def ensemble(self, product: str, number: int) -> State:
        """The ensemble of a cycle, values [member, lat, lon, channel], SI units.

        Args:
            product: "background" or "analysis".
            number: of the cycle, from 0.
        """
        state = state_from_dataset(
            self.groups[product].isel(time=slice(number, number + 1)), self.layout
        )
        return State(state.values[0], self.layout)

    def cycle(self, number: int) -> StoredCycle:
        """One cycle.

        Raises:
            InputError: it is not there.
            StorageError: it is damaged.
        """
        count = self.times.size
        if not 0 <= number < count:
            there = f"0 to {count - 1}" if count else "none: no cycle is complete"
            message = f"expected the number of a complete cycle ({there}), got {number}"
            raise InputError(message)
        observed = self.groups["observations"].isel(time=number).load()
        diagnostics = self.groups["diagnostics"].isel(time=number)
        return StoredCycle(
            number,
            self.times[number],
            self.ensemble("background", number),
            self.ensemble("analysis", number),
            observations_of_record(observed),
            observed["background_equivalent"].to_numpy(),
            observed["analysis_equivalent"].to_numpy(),
            float(diagnostics["background_factor"]),
        )


def open_stored_cycles(path: Path, layout: Layout) -> StoredCycles:
    """The complete cycles of a store.

    Args:
        path: the store.
        layout: of its states.

    Raises:
        StorageError: the store is missing or damaged.
    """
    names = ("background", "analysis", "observations", "diagnostics")
    return StoredCycles({name: open_cycles(path, name) for name in names}, layout)


def made_again(
    parts: CycleParts, stored: StoredCycle, background: State, observations: ObservationBatch
) -> Cycle:
    """The analysis of a stored cycle, with the keys that it was made with.

    Args:
        parts: what the cycles are made of; quality control is not asked again.
        stored: the cycle.
        background: its background, with a drift where there are trajectories.
        observations: its observations, or some of them.

    Raises:
        BadStateError: more members of the analysis than may be replaced are not plausible.
    """
    as_checked = replace(parts, quality_control=lambda batch, _: batch)
    before = CycleState(background, stored.valid_time - parts.window, stored.number)
    return assimilate(as_checked, before, background, observations)


def members_again(
    parts: CycleParts, stored: StoredCycle, background: State, method: Analysis
) -> State:
    """What another method makes of a stored cycle, with the keys that the cycle was made with.

    Args:
        parts: what the cycles are made of.
        stored: the cycle.
        background: its background, with a drift where there are trajectories.
        method: the analysis.

    Returns:
        Its analysis ensemble, values [member, lat, lon, channel], SI units.
    """
    key = key_for(parts.seed, Purpose.ANALYSIS, stored.number)
    made, _ = method(background, stored.observations, float(parts.window_hours), key)
    return made
