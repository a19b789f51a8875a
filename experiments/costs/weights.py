"""What stores, arrays and work for dask weigh, from shapes and from what a small world weighs."""

import math
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import xarray as xr
from distributed.protocol.pickle import dumps

from align_da.alignment import AlignmentCase
from align_da.assimilation.neighbourhoods import block_width
from align_da.atmosphere import Grid, Layout, State
from align_da.config import WorldConfig
from align_da.constants import EARTH_RADIUS
from align_da.storage.analysis_store import write_cycle
from align_da.storage.gridded import states_within
from align_da.storage.store_places import ledger_path
from data_pipelines.statistics import STATES, StatisticsTask
from data_pipelines.template import write_template
from experiments.costs.arithmetic import FLOAT
from experiments.costs.extrapolation import Target
from experiments.costs.synthetic import Size, new_store, noise_states, record_with, template_of

COMPLEX, INDEX = 8, 4  # bytes
_OF_TRAINING = 5 * FLOAT  # parameters, their average, the best ones, two moments


@dataclass(frozen=True)
class CycleWeight:
    """What a cycle adds to its store.

    Attributes:
        memory: bytes of its arrays.
        disk: bytes of its files.
        files: their number, a chunk an array.
        largest_file: bytes of the largest array.
        ledger: bytes of its line.
    """

    memory: int
    disk: float
    files: int
    largest_file: int
    ledger: int


def cycle_weight(
    layout: Layout, members: int, observations: int, compression: float
) -> CycleWeight:
    """A cycle of any size; the number of files and the line depend on the variables alone.

    Args:
        layout: of the states.
        members: of the ensemble.
        observations: of a cycle.
        compression: bytes in memory over bytes on disk.
    """
    template = template_of(layout, members, observations, 1)
    rows, columns, _ = layout.shape
    fields = template.observation_fields, template.scalar_fields, template.member_fields
    return CycleWeight(
        template.bytes_per_cycle,
        template.bytes_per_cycle / compression,
        3 * len(layout.variables) + sum(map(len, fields)),
        FLOAT * members * layout.grid.level_count * rows * columns,
        ledger_line(layout),
    )


def ledger_line(layout: Layout) -> int:
    """Bytes of a line in the ledger of a store with the variables of `layout`, on four columns.

    A line tells the sizes of its chunks: of larger states it has a few digits more.
    """
    grid = layout.grid
    tiny = Layout(type(grid)((-45.0, 45.0), (0.0, 180.0), grid.vertical), layout.variables)
    template = template_of(tiny, 1, 1, 1)
    states = noise_states(tiny, 1)
    with TemporaryDirectory() as folder:
        store = new_store(Path(folder) / "cycles.zarr", template)
        before = ledger_path(store.path).stat().st_size
        write_cycle(store, record_with(states, states, template))
        return ledger_path(store.path).stat().st_size - before


def latent_bytes(target: Target) -> int:
    """One latent of float32."""
    settings = target.config.autoencoder
    points = (target.rows // settings.stride) * (target.columns // settings.stride)
    return FLOAT * points * settings.latent_channels


def training_arrays(target: Target) -> dict[str, int]:
    """What a training on all years holds in the memory of every host, bytes."""
    pairs = 2 * target.leads * target.times  # a truth beside every background
    return {"states": pairs * target.state_bytes, "latents": pairs * latent_bytes(target)}


def correlation_arrays(target: Target, modes: int) -> dict[str, int]:
    """The correlation of increments as it is kept, and covariances while it is estimated."""
    settings = target.config.autoencoder
    rows, columns = target.rows // settings.stride, target.columns // settings.stride
    waves, coefficients = columns // 2 + 1, rows * settings.latent_channels
    root = waves * rows * settings.latent_channels**2
    return {
        "kept": COMPLEX * (root + waves * modes * coefficients),
        "estimated": COMPLEX * target.leads * waves * coefficients**2,
    }


def letkf_bytes(target: Target, grid: Grid, members: int, observations: int) -> float:
    """Lists of the observations near every block of columns, spread evenly, and the ensemble.

    The compiler plans for four ensembles: background, analysis, and both in order of blocks.
    """
    radius = target.config.letkf.half_widths[0] or 0.0
    blocks = target.rows * target.columns // block_width(grid, radius)
    near = (1 - math.cos(2.25 * radius / EARTH_RADIUS)) / 2  # with half a block
    return 4 * members * target.state_bytes + INDEX * blocks * near * observations


def checkpoint_bytes(parameters: float) -> float:
    """A checkpoint of a training."""
    return _OF_TRAINING * parameters


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


def statistics_sent(target: Target, layout: Layout) -> Serialised:
    """The tasks of `align-da data statistics`: blocks of states, of changes, of errors by lead."""
    blocks = -(-target.times // states_within(layout))
    task = StatisticsTask(WorldConfig(), Path("runs/world"), STATES, 0, target.times, 1)
    return Serialised((2 + target.leads) * blocks, len(dumps((str(task), task))))


def rewards_sent(target: Target, cases: int) -> Serialised:
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
