"""What goes through dask: tasks and bytes, of a small world whose counts are known."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import xarray as xr
from distributed.protocol.pickle import dumps

from align_da.alignment import AlignmentCase
from align_da.atmosphere import Layout, State
from align_da.config import WorldConfig
from data_pipelines.statistics import STATES, StatisticsTask
from data_pipelines.template import states_within, write_template
from experiments.costs.assumptions import Target
from experiments.costs.sizes import Size
from experiments.costs.small_store import noise_states

TIMES = 50


@dataclass(frozen=True)
class Serialised:
    """Work as it is sent.

    Attributes:
        tasks: how many.
        each: bytes of one of them.
    """

    tasks: int
    each: float

    @property
    def total(self) -> float:
        """Bytes of all."""
        return self.tasks * self.each


def statistics(target: Target, layout: Layout) -> Serialised:
    """The tasks of `align-da data statistics`: blocks of states, of changes, of errors by lead."""
    blocks = -(-target.times // states_within(layout))
    task = StatisticsTask(WorldConfig(), Path("runs/world"), STATES, 0, target.times, 1)
    return Serialised((2 + target.leads) * blocks, len(dumps((str(task), task))))


def rewards(target: Target, cases: int) -> Serialised:
    """Cases of `align-da align candidates`: a group with background and two truths.

    What is not an array is weighed at a small size.
    """
    small = Size(rows=4).layout
    group = noise_states(small, target.candidates)
    one = State(group.values[0], small)
    sent = dumps((group, AlignmentCase(one, one, np.datetime64("2000-01-01"), one, 6.0)))
    states = target.candidates + 3
    around = len(sent) - states * group.values[0].nbytes
    return Serialised(cases, states * target.state_bytes + around)


def graph_of_store(target: Target, variables: int) -> Serialised:
    """The graph of a store of all times, a chunk a time and variable, opened with dask."""
    times = np.datetime64("1979-01-01", "ns") + np.arange(TIMES) * np.timedelta64(6, "h")
    layout = Size(rows=4).layout
    with TemporaryDirectory() as folder:
        path = Path(folder) / "truth.zarr"
        write_template(path, layout, {"time": times}, 1, xr.Dataset())
        with xr.open_zarr(path, consolidated=False) as opened:
            graph = dict(opened.__dask_graph__())
    tasks = len(graph) / (TIMES * len(layout.variables))
    return Serialised(round(tasks * target.times * variables), _bytes_a_task(graph))


def _bytes_a_task(graph: dict[object, object]) -> float:
    return len(dumps(graph)) / len(graph)
