"""Mean and standard deviation of states, of their tendencies and of background errors.

Only the training period is used. Means are weighted by area, one number a channel.
"""

import json
from collections.abc import Iterator
from functools import reduce
from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Float

from align_da.atmosphere import Layout
from align_da.atmosphere.dataset import state_from_dataset
from align_da.config import WorldConfig
from align_da.storage.background_pairs import BackgroundPairs, open_background_pairs
from align_da.storage.run_folder import RunFolder
from data_pipelines.moments import Moments, moments_of
from data_pipelines.splits import periods_of

BLOCK = 40  # states in memory at a time
STEPS_A_DAY = 4

Block = Float[np.ndarray, "state lat lon channel"]


def write_statistics(world: WorldConfig, folder: Path) -> None:
    """Write statistics.json from the truth and the training backgrounds in `folder`.

    The file holds "channels" (names in order) and for each of "states", "differences_24h" and
    "background_errors_<lead>h" the lists "mean" and "std" in SI units.

    Raises:
        StorageError: a store is missing.
        InputError: a store is incomplete.
    """
    files = RunFolder(folder)
    pairs = open_background_pairs(files.truth, files.backgrounds("train"))
    period = periods_of(world)["train"]
    inside = (pairs.truth["time"] >= period.start) & (pairs.truth["time"] < period.end)
    training = pairs.truth.isel(time=inside.to_numpy())
    blocks = {
        "states": _states(training, pairs.layout),
        "differences_24h": _differences(training, pairs.layout),
    }
    for lead in pairs.lead_hours:
        blocks[f"background_errors_{lead}h"] = background_errors(pairs, lead)
    summaries = {name: _summary(found, pairs.layout) for name, found in blocks.items()}
    content = {"channels": channel_names(pairs.layout), **summaries}
    files.statistics.write_text(json.dumps(content, indent=1))


def channel_names(layout: Layout) -> list[str]:
    """A name for every channel: the variable, and its level (index from the top) if it has any."""
    return [
        channel.variable.name + ("" if channel.level is None else f"_{channel.level}")
        for channel in layout.channels
    ]


def background_errors(pairs: BackgroundPairs, lead_hours: int) -> Iterator[Block]:
    """Background minus truth at one lead, block after block."""
    for first in range(0, pairs.starts.size, BLOCK):
        truth, background = pairs.read(lead_hours, slice(first, first + BLOCK))
        yield np.asarray(background.values - truth.values)


def _states(truth: xr.Dataset, layout: Layout) -> Iterator[Block]:
    for first in range(0, truth.sizes["time"], BLOCK):
        yield np.asarray(state_from_dataset(truth, layout, slice(first, first + BLOCK)).values)


def _differences(truth: xr.Dataset, layout: Layout) -> Iterator[Block]:
    for first in range(0, truth.sizes["time"] - STEPS_A_DAY, BLOCK):
        part = slice(first, first + BLOCK + STEPS_A_DAY)
        values = np.asarray(state_from_dataset(truth, layout, part).values)
        yield values[STEPS_A_DAY:] - values[:-STEPS_A_DAY]


def _summary(blocks: Iterator[Block], layout: Layout) -> dict[str, list[float]]:
    weights = layout.grid.area_weights
    moments = reduce(Moments.joined, (moments_of(block, weights) for block in blocks))
    return {"mean": moments.mean.tolist(), "std": moments.std.tolist()}
