"""Pairs of a background and the truth at its valid time, read from two stores."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Shaped

from align_da.atmosphere import Layout, State
from align_da.atmosphere.dataset import layout_from_dataset, state_from_dataset
from align_da.errors import InputError, StorageError


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
        StorageError: a store is missing.
    """
    opened = []
    for path in (truth, backgrounds):
        if not path.exists():
            message = f"expected the store {path}, found none: run `align-da data` first"
            raise StorageError(message)
        opened.append(xr.open_zarr(path, consolidated=False))
    return BackgroundPairs(opened[0], opened[1], layout_from_dataset(opened[0]))


def read_times(dataset: xr.Dataset, layout: Layout, times: Shaped[np.ndarray, " time"]) -> State:
    """The states at exactly `times`, values [time, lat, lon, channel].

    Raises:
        InputError: the dataset lacks one of the times.
    """
    known = dataset["time"].to_numpy()
    wanted, inverse = np.unique(times.astype(known.dtype), return_inverse=True)
    places = np.searchsorted(known, wanted)
    places = np.minimum(places, known.size - 1)
    if np.any(known[places] != wanted):
        missing = wanted[known[places] != wanted][0]
        message = f"expected a state at {missing}, the data cover {known[0]} to {known[-1]}"
        raise InputError(message)
    found = state_from_dataset(dataset.isel(time=places), layout)
    return State(found.values[inverse], layout)
