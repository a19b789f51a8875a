"""Mean and standard deviation of states, of their tendencies and of background errors.

Only the training period is used. Means are weighted by area, one number a channel. Workers reduce
blocks of states to their moments, which are joined in the order of the blocks: the number of
workers changes no bit, and no more than a block a worker is in memory.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Float
from rich.progress import Progress

from align_da.atmosphere import Layout
from align_da.atmosphere.dataset import state_from_dataset
from align_da.config import WorldConfig
from align_da.parallel.cluster import run_tasks
from align_da.storage import statistics
from align_da.storage.background_pairs import BackgroundPairs, open_background_pairs
from align_da.storage.gridded import states_within
from align_da.storage.run_folder import RunFolder
from data_pipelines.moments import Moments, moments_of
from data_pipelines.splits import periods_of

STEPS_A_DAY = 4
STATES, DIFFERENCES = "states", "differences_24h"

Block = Float[np.ndarray, "state lat lon channel"]


@dataclass(frozen=True)
class StatisticsTask:
    """A block of one of the summaries.

    Attributes:
        world: the periods.
        folder: holds truth and backgrounds.
        name: "states", "differences_24h" or "background_errors_<lead>h".
        lead_hours: of background errors, 0 otherwise.
        first: place of the first state, in the training period or among the backgrounds.
        size: most states of the block.
    """

    world: WorldConfig
    folder: Path
    name: str
    lead_hours: int
    first: int
    size: int

    def __str__(self) -> str:
        return f"{self.name} from {self.first} on"


def write_statistics(world: WorldConfig, folder: Path, workers: int, progress: Progress) -> None:
    """Write statistics.json from the truth and the training backgrounds in `folder`.

    The file holds "channels" (names in order) and for each of "states", "differences_24h" and
    "background_errors_<lead>h" the lists "mean" and "std" in SI units.

    Args:
        world: the periods.
        folder: of the run.
        workers: processes that read and reduce.
        progress: shows the blocks done.

    Raises:
        StorageError: a store is missing, or the file cannot be written.
        InputError: a store is incomplete.
        WorkerError: a block has ended every worker that tried it.
    """
    files = RunFolder(folder)
    pairs = open_background_pairs(files.truth, files.backgrounds("train"))
    tasks = list(_tasks(world, folder, pairs))
    found = run_tasks(moments_of_block, tasks, workers, progress, "statistics")
    blocks: dict[str, list[Moments]] = {task.name: [] for task in tasks}
    for task, moments in zip(tasks, found, strict=True):
        blocks[task.name].append(moments)
    summaries = {name: _summary(moments) for name, moments in blocks.items()}
    content = {"channels": channel_names(pairs.layout), **summaries}
    statistics.write_statistics(files.statistics, content)


def channel_names(layout: Layout) -> list[str]:
    """A name for every channel: the variable, and its level (index from the top) if it has any."""
    return [
        channel.variable.name + ("" if channel.level is None else f"_{channel.level}")
        for channel in layout.channels
    ]


def moments_of_block(task: StatisticsTask) -> Moments:
    """The moments of the states of `task`. Runs in a worker process."""
    files = RunFolder(task.folder)
    pairs = open_background_pairs(files.truth, files.backgrounds("train"))
    chosen = slice(task.first, task.first + task.size)
    if task.name == STATES:
        values = _states(_training(task.world, pairs), pairs.layout, chosen)
    elif task.name == DIFFERENCES:
        values = _differences(_training(task.world, pairs), pairs.layout, chosen)
    else:
        values = background_errors(pairs, task.lead_hours, chosen)
    return moments_of(values, pairs.layout.grid.area_weights)


def background_errors(pairs: BackgroundPairs, lead_hours: int, starts: slice) -> Block:
    """Background minus truth at one lead."""
    truth, background = pairs.read(lead_hours, starts)
    return np.asarray(background.values - truth.values)


def _tasks(world: WorldConfig, folder: Path, pairs: BackgroundPairs) -> Iterator[StatisticsTask]:
    """The blocks of every summary, in order."""
    times, starts = _training(world, pairs).sizes["time"], pairs.starts.size
    totals = {STATES: (0, times), DIFFERENCES: (0, times - STEPS_A_DAY)}
    totals |= {f"background_errors_{lead}h": (lead, starts) for lead in pairs.lead_hours}
    size = states_within(pairs.layout)
    for name, (lead, total) in totals.items():
        for first in range(0, total, size):
            yield StatisticsTask(world, folder, name, lead, first, size)


def _training(world: WorldConfig, pairs: BackgroundPairs) -> xr.Dataset:
    """The truth of the training period."""
    period = periods_of(world)["train"]
    inside = (pairs.truth["time"] >= period.start) & (pairs.truth["time"] < period.end)
    return pairs.truth.isel(time=inside.to_numpy())


def _states(truth: xr.Dataset, layout: Layout, chosen: slice) -> Block:
    return np.asarray(state_from_dataset(truth, layout, chosen).values)


def _differences(truth: xr.Dataset, layout: Layout, chosen: slice) -> Block:
    """Changes in 24 hours from the chosen states on."""
    values = _states(truth, layout, slice(chosen.start, chosen.stop + STEPS_A_DAY))
    return np.asarray(values[STEPS_A_DAY:] - values[:-STEPS_A_DAY])


def _summary(blocks: Iterable[Moments]) -> dict[str, list[float]]:
    """Mean and standard deviation over all blocks, joined in their order."""
    moments = reduce(Moments.joined, blocks)
    return {"mean": moments.mean.tolist(), "std": moments.std.tolist()}
