"""Mean and standard deviation of states, of their tendencies and of background errors.

Only the training period is used. Means are weighted by area.
"""

import json
from collections.abc import Iterator
from functools import reduce
from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Float

from align_da.atmosphere import Layout
from align_da.atmosphere.dataset import layout_from_dataset, state_from_dataset
from align_da.config import Config
from align_da.errors import InputError
from data_pipelines.moments import Moments, moments_of
from data_pipelines.nature_run import TRUTH
from data_pipelines.splits import periods_of

STATISTICS = "statistics.json"
STATES = "states"
TENDENCIES = "differences_24h"
BLOCK = 40  # states in memory at a time
_DAY = np.timedelta64(24, "h")

Block = Float[np.ndarray, "state lat lon channel"]


def write_statistics(config: Config, folder: Path) -> None:
    """Write statistics.json from truth.zarr and backgrounds_train.zarr in `folder`.

    The file holds "channels" (names in order) and for each of "states", "differences_24h" and
    "background_errors_<lead>h" the lists "mean" and "std" in SI units.

    Raises:
        InputError: the stores are missing or incomplete.
    """
    period = periods_of(config.world)["train"]
    with (
        _opened(folder / TRUTH) as truth,
        _opened(folder / "backgrounds_train.zarr") as backgrounds,
    ):
        layout = layout_from_dataset(truth)
        training = truth.sel(time=slice(period.start, period.end - np.timedelta64(1, "h")))
        found = {
            STATES: _summary(_states(training, layout), layout),
            TENDENCIES: _summary(_differences(training, layout), layout),
        }
        for lead in config.backgrounds.lead_hours:
            errors = background_errors(backgrounds, truth, layout, lead)
            found[f"background_errors_{lead}h"] = _summary(errors, layout)
    content = {"channels": channel_names(layout), **found}
    (folder / STATISTICS).write_text(json.dumps(content, indent=1))


def channel_names(layout: Layout) -> list[str]:
    """A name for every channel: the variable, and its level (index from the top) if it has any."""
    return [
        channel.variable.name + ("" if channel.level is None else f"_{channel.level}")
        for channel in layout.channels
    ]


def background_errors(
    backgrounds: xr.Dataset, truth: xr.Dataset, layout: Layout, lead_hours: int
) -> Iterator[Block]:
    """Background minus truth at one lead, block after block."""
    lead = np.timedelta64(lead_hours, "h").astype("timedelta64[ns]")
    at_lead = backgrounds.sel(prediction_timedelta=lead).drop_vars(
        ["amplitude", "prediction_timedelta"]
    )
    for first in range(0, backgrounds.sizes["time"], BLOCK):
        block = at_lead.isel(time=slice(first, first + BLOCK))
        valid = truth.sel(time=block["time"].to_numpy() + lead)
        yield _values(block, layout) - _values(valid, layout)


def _states(truth: xr.Dataset, layout: Layout) -> Iterator[Block]:
    for first in range(0, truth.sizes["time"], BLOCK):
        yield _values(truth.isel(time=slice(first, first + BLOCK)), layout)


def _differences(truth: xr.Dataset, layout: Layout) -> Iterator[Block]:
    step = truth["time"].to_numpy()[1] - truth["time"].to_numpy()[0]
    day = int(_DAY / step)
    for first in range(0, truth.sizes["time"] - day, BLOCK):
        values = _values(truth.isel(time=slice(first, first + BLOCK + day)), layout)
        yield values[day:] - values[:-day]


def _summary(blocks: Iterator[Block], layout: Layout) -> dict[str, list[float]]:
    weights = layout.grid.area_weights
    moments = reduce(Moments.joined, (moments_of(block, weights) for block in blocks))
    return {"mean": moments.mean.tolist(), "std": moments.std.tolist()}


def _values(dataset: xr.Dataset, layout: Layout) -> Block:
    return np.asarray(state_from_dataset(dataset, layout).values)


def _opened(store: Path) -> xr.Dataset:
    if not store.exists():
        message = f"expected the store {store}, found none: run the earlier `align-da data` steps"
        raise InputError(message)
    return xr.open_zarr(store, consolidated=False)
