"""Real states as the truth of a run: read, checked, regridded, written.

Blocks of the store are written by several workers in any order. A block is marked as written after
its values, so that a run that was killed goes on with those that are not, and gives the same bits
as one that was not.
"""

from dataclasses import dataclass
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Float, Shaped
from rich.progress import Progress

from align_da.atmosphere import Layout, State
from align_da.config import Era5Config, WorldConfig
from align_da.digests import digest_of
from align_da.parallel.cluster import run_tasks
from align_da.storage.datasets import write_dataset_region
from align_da.storage.durable import remove_unfinished
from align_da.storage.gridded import states_within
from align_da.storage.run_folder import RunFolder
from align_da.storage.seal import blocks_missing
from data_pipelines.era5_source import Era5Source, open_era5
from data_pipelines.grib import SURFACE
from data_pipelines.regridding import conservative_regridding, named_grid
from data_pipelines.splits import times_of_truth
from data_pipelines.state_checks import check_persistence
from data_pipelines.template import is_made, write_region, write_template

STEP_HOURS = 6
WRITTEN = "written"
_WRITTEN = {"long_name": "1 where the state is written", "units": "1"}
_SURFACE = {"units": "m2 s-2", "standard_name": "surface_geopotential"}


@dataclass(frozen=True)
class Era5Task:
    """Consecutive states of the truth.

    Attributes:
        world: names the periods.
        era5: names the source.
        folder: holds the store.
        block: the states are those of this block.
    """

    world: WorldConfig
    era5: Era5Config
    folder: Path
    block: int

    def __str__(self) -> str:
        return f"block {self.block} of ERA5"


def make_era5_truth(
    world: WorldConfig, era5: Era5Config, folder: Path, workers: int, progress: Progress
) -> None:
    """Write the states of ERA5 over all periods, or finish what was interrupted.

    Writes truth.zarr, 6-hourly states with dimensions (time, [level,] latitude, longitude), the
    surface geopotential on the same grid, and the variable `written`, NaN where a state is still
    to be read.

    Args:
        world: names the periods.
        era5: names the source, and what is read of it.
        folder: receives the store.
        workers: processes that read.
        progress: shows the blocks done.

    Raises:
        ConfigError: an unknown kind of source or variable, or a package is missing.
        StorageError: nothing is at the source, or the store belongs to another configuration.
        InputError: the source does not hold what is wanted, or not in a form that is understood.
        WorkerError: a block has ended every worker that tried it.
    """
    store, times = RunFolder(folder).truth, times_of_truth(world, STEP_HOURS)
    source = open_era5(era5, times)
    layout = _target(era5, source)
    digest = digest_of(world, era5)
    block = states_within(layout)
    if not is_made(store, digest):
        source.states(times[[0, -1]])  # whatever is wrong with the values is told before writing
        extra = _description(era5, source, times, digest)
        write_template(store, layout, {"time": times}, block, extra)
    with xr.open_zarr(store, consolidated=False) as dataset:
        missing = np.isnan(dataset[WRITTEN].to_numpy())
    lost = blocks_missing(store)
    tasks = [
        Era5Task(world, era5, folder, number)
        for number, first in enumerate(range(0, times.size, block))
        if number in lost or missing[first : first + block].any()
    ]
    run_tasks(write_block, tasks, workers, progress, "ERA5")
    remove_unfinished(store)


def write_block(task: Era5Task) -> None:
    """Read the states of `task` and write them. Runs in a worker process."""
    store, times = RunFolder(task.folder).truth, times_of_truth(task.world, STEP_HOURS)
    source = open_era5(task.era5, times)
    layout = _target(task.era5, source)
    block = states_within(layout)
    first = task.block * block
    chosen = times[first : first + block]
    regrid = conservative_regridding(source.layout.grid, layout.grid)
    at_once = states_within(source.layout)  # the source may be finer than what is written
    parts = [
        regrid(source.states(chosen[start : start + at_once]))
        for start in range(0, chosen.size, at_once)
    ]
    values = np.concatenate(parts)
    check_persistence(State(jnp.asarray(values), layout), chosen)
    write_region(store, values, layout, {"time": chosen}, first)
    written = xr.Dataset({WRITTEN: ("time", np.ones(chosen.size, np.float32))})
    region = {"time": slice(first, first + chosen.size)}
    write_dataset_region(store, written, region)


def _target(era5: Era5Config, source: Era5Source) -> Layout:
    """What is written: the variables of the source on the grid that the configuration names."""
    return Layout(named_grid(era5.grid, source.layout.grid), source.layout.variables)


def _description(
    era5: Era5Config, source: Era5Source, times: Shaped[np.ndarray, " time"], digest: str
) -> xr.Dataset:
    """What the store holds beside the states."""
    grid = named_grid(era5.grid, source.layout.grid)
    regrid = conservative_regridding(source.layout.grid, grid)
    surface: Float[np.ndarray, "lat lon"] = regrid(source.surface_geopotential[..., None])[..., 0]
    unwritten = np.full(times.size, np.nan, np.float32)
    return xr.Dataset(
        {
            SURFACE: (("latitude", "longitude"), surface, _SURFACE),
            WRITTEN: ("time", unwritten, _WRITTEN),
        },
        attrs={
            "title": "Reanalysis as the truth",
            "source": f"ERA5 from {era5.source}, conservative to {era5.grid}",
            "configuration": digest,
        },
    )
