"""Pairs of a background and the truth at its valid time, read from two stores."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Shaped

from align_da.atmosphere import Layout, State
from align_da.atmosphere.dataset import layout_from_dataset, state_from_dataset
from align_da.errors import InputError
from align_da.storage.gridded import open_states, read_times, states_within


@dataclass(frozen=True)
class BackgroundPairs:
    """Backgrounds with dimensions (time, prediction_timedelta, ...), time being the start.

    Attributes:
        truth: the nature run.
        backgrounds: forecasts from several starts at several lead times.
        layout: what both hold.
    """

    truth: xr.Dataset
    backgrounds: xr.Dataset
    layout: Layout

    @property
    def lead_hours(self) -> tuple[int, ...]:
        """Lead times of the backgrounds."""
        leads = self.backgrounds["prediction_timedelta"].to_numpy()
        return tuple((leads / np.timedelta64(1, "h")).astype(int).tolist())

    @property
    def starts(self) -> Shaped[np.ndarray, " start"]:
        """Start times of the forecasts."""
        return self.backgrounds["time"].to_numpy()

    def valid_times(self, lead_hours: int) -> Shaped[np.ndarray, " start"]:
        """Valid times of the backgrounds that are `lead_hours` old."""
        return self.starts + np.timedelta64(lead_hours, "h")

    def blocks(self, most: int = 40) -> Iterator[slice]:
        """Starts that are read at a time: at most so many, and what memory holds with ease."""
        size = states_within(self.layout, most)
        for begin in range(0, self.starts.size, size):
            yield slice(begin, begin + size)

    def read(self, lead_hours: int, starts: slice = slice(None)) -> tuple[State, State]:
        """Truths and backgrounds, values [start, lat, lon, channel].

        Raises:
            InputError: no such lead time, or the truth lacks a valid time.
        """
        if lead_hours not in self.lead_hours:
            message = f"expected a lead time among {self.lead_hours} h, got {lead_hours}"
            raise InputError(message)
        place = self.lead_hours.index(lead_hours)
        chosen = self.backgrounds.isel(prediction_timedelta=place, drop=True)
        background = state_from_dataset(chosen, self.layout, starts)
        return read_times(
            self.truth, self.layout, self.valid_times(lead_hours)[starts]
        ), background


def open_background_pairs(truth: Path, backgrounds: Path) -> BackgroundPairs:
    """Open a store of backgrounds beside its truth.

    Raises:
        StorageError: a store is missing or cannot be opened.
        InputError: a store does not keep the contract of gridded states.
    """
    nature_run = open_states(truth)
    return BackgroundPairs(nature_run, open_states(backgrounds), layout_from_dataset(nature_run))
