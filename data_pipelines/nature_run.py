"""The nature run: a long simulation that stands for the true atmosphere.

Written in blocks of 10 days. After each block the native state of the model is kept beside the
store, so that a run that was killed goes on from its last block and gives the same bits as one
that was not.
"""

import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jcm.model import RunState
from rich.progress import Progress

from align_da.config import WorldConfig
from align_da.constants import GRAVITY
from align_da.digests import digest_of
from align_da.errors import StorageError
from align_da.forecast.jcm import JcmForecastModel
from align_da.storage.durable import write_durably
from align_da.storage.run_folder import RunFolder
from data_pipelines.era5_start import era5_state
from data_pipelines.splits import times_of_truth
from data_pipelines.template import is_made, write_region, write_template

BLOCK_DAYS = 10
RESTART = "truth_restart.npz"
_HEADERS = 2**16  # bytes of an npz file beside its arrays, at most
# What numpy and zip files raise for damaged or foreign content.
_UNREADABLE = (
    *(OSError, EOFError, ValueError, TypeError, KeyError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error),
)


def run_nature(world: WorldConfig, folder: Path, progress: Progress) -> None:
    """Simulate the truth, or finish a simulation that was interrupted.

    Args:
        world: defines the run.
        folder: receives truth.zarr, 6-hourly states with dimensions (time, [level,] latitude,
            longitude), and the restart file.
        progress: shows the times done.

    Raises:
        StorageError: the folder holds a run of another configuration, the restart file is damaged,
            or nothing can be written.
        BadStateError: the simulation has left the numbers.
    """
    model = JcmForecastModel(world.truth_truncation, world.grid_truncation)
    store, restart = RunFolder(folder).truth, folder / RESTART
    times = times_of_truth(world, model.step_hours)
    block = BLOCK_DAYS * 24 // model.step_hours
    if restart.exists():
        run, done = _read_restart(restart, model, world)
        _check_there(store, restart, done)
    else:
        run, done = _spun_up(model, world, progress), 0
        _write_restart(restart, run, done, world)
    if done == 0:
        is_made(store, digest_of(world))  # or raises: real states are not replaced by a simulation
        write_template(store, model.layout, {"time": times}, block, _description(world, model))

    task = progress.add_task("nature run", total=times.size, completed=done)
    while done < times.size:
        block_times = times[done : done + block]
        states = []
        for _ in block_times:
            states.append(np.asarray(model.end(run)))
            run = model.step(run)
        write_region(store, np.stack(states), model.layout, {"time": block_times}, done)
        done += block_times.size
        _write_restart(restart, run, done, world)
        progress.update(task, completed=done)


def _check_there(store: Path, restart: Path, done: int) -> None:
    """Refuse to go on with a simulation whose states are gone: NaN would stand in their place.

    Raises:
        StorageError: states have been written and the store is not there.
    """
    if done and not store.exists():
        message = (
            f"{store} is gone, but {restart} says that {done} states are written: restore the "
            "store from a copy, or remove that file too to simulate anew"
        )
        raise StorageError(message)


def _description(world: WorldConfig, model: JcmForecastModel) -> xr.Dataset:
    """What the store holds beside the states: the surface, and where the run came from."""
    height = {"units": "m2 s-2", "standard_name": "surface_geopotential"}
    surface = (("latitude", "longitude"), GRAVITY * np.asarray(model.orography), height)
    return xr.Dataset(
        {"geopotential_at_surface": surface},
        attrs={
            "title": "Nature run of the embedded atmosphere",
            "source": f"JCM with SPEEDY physics at T{world.truth_truncation}, from ERA5",
            "configuration": digest_of(world),
        },
    )


def _spun_up(model: JcmForecastModel, world: WorldConfig, progress: Progress) -> RunState:
    """The native state at the start of the truth, from ERA5 on the grid of T21."""
    start = JcmForecastModel(world.truth_truncation)
    run = start.begin(era5_state(start).values[0], np.datetime64(world.start))
    steps = world.spin_up_days * 24 // model.step_hours
    for _ in progress.track(range(steps), description="spin-up"):
        run = model.step(run)
    return run


def _write_restart(path: Path, run: RunState, done: int, world: WorldConfig) -> None:
    """Keep the native state; the file appears whole or not at all."""
    leaves: dict[str, Any] = {
        f"leaf_{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(run))
    }
    content = io.BytesIO()
    np.savez(content, done=done, configuration=digest_of(world), **leaves)
    write_durably(path, content.getvalue())


def _read_restart(path: Path, model: JcmForecastModel, world: WorldConfig) -> tuple[RunState, int]:
    """The native state and the number of times that are written."""
    like = model.begin(jnp.ones(model.layout.shape), np.datetime64(world.start))
    leaves, structure = jax.tree.flatten(like)
    saved = _arrays_in(path, sum(np.asarray(leaf).nbytes for leaf in leaves) + _HEADERS)
    if str(saved.get("configuration")) != digest_of(world):
        message = f"{path} belongs to another [world]: choose another folder, or remove it"
        raise StorageError(message)
    names = [f"leaf_{i}" for i in range(len(leaves))]
    for name, value in zip(["done", *names], [0, *leaves], strict=True):
        found = saved[name].shape if name in saved else None
        if found != np.shape(value):
            message = f"{path}: expected {name} of {np.shape(value)}, got {found}: remove it"
            raise StorageError(message)
    return jax.tree.unflatten(structure, [saved[name] for name in names]), int(saved["done"])


def _arrays_in(path: Path, most: int) -> dict[str, np.ndarray]:
    """The arrays of an npz file; objects in it are refused, not made.

    Raises:
        StorageError: it is damaged or of another kind, or would take more than `most` bytes.
    """
    try:
        with zipfile.ZipFile(path) as parts:
            size = sum(part.file_size for part in parts.infolist())
        if size > most:
            message = f"its arrays take {size} bytes, those of this model at most {most}"
            raise ValueError(message)
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            return dict(saved)
    except _UNREADABLE as error:
        message = f"{path} cannot be read ({error}): remove it to simulate anew"
        raise StorageError(message) from error
