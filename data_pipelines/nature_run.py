"""The nature run: a long simulation that stands for the true atmosphere.

Written in blocks of 40 states, 10 days of 6-hourly ones. After each block the native state of the
model is kept beside the store, so that a run that was killed goes on from its last block and gives
the same bits as one that was not. A block that is lost later is simulated again from the start,
the only state there is before it.
"""

import io
import json
import zipfile
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Float, Shaped
from jcm.model import RunState
from rich.progress import Progress

from align_da.config import WorldConfig
from align_da.constants import GRAVITY
from align_da.digests import digest_of
from align_da.errors import StorageError
from align_da.forecast.jcm import JcmForecastModel
from align_da.storage.bounded_files import arrays_of_npz
from align_da.storage.durable import write_durably
from align_da.storage.gridded import open_states, read_times
from align_da.storage.manifest import how_computed
from align_da.storage.run_folder import RunFolder
from align_da.storage.seal import blocks_missing
from data_pipelines.era5_start import era5_state
from data_pipelines.splits import times_of_truth
from data_pipelines.template import check_computed, is_made, write_region, write_template

BLOCK = 40  # states
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
        folder: receives truth.zarr, states `world.step_hours` apart with dimensions (time,
            [level,] latitude, longitude), and the restart file.
        progress: shows the times done.

    Raises:
        StorageError: the folder holds a run of another configuration, the restart file is damaged,
            lost blocks cannot be made again, or nothing can be written.
        BadStateError: the simulation has left the numbers.
    """
    model = JcmForecastModel(
        world.truth_truncation, world.grid_truncation, step_hours=world.step_hours
    )
    store, restart = RunFolder(folder).truth, folder / RESTART
    times = times_of_truth(world, model.step_hours)
    if restart.exists():
        run, done = _read_restart(restart, model, world)
        _check_there(store, restart, done)
    else:
        run, done = _spun_up(model, world, progress), 0
        _write_restart(restart, run, done, world)
    if done == 0:
        is_made(store, digest_of(world))  # or raises: real states are not replaced by a simulation
        write_template(store, model.layout, {"time": times}, BLOCK, _description(world, model))

    if lost := {number for number in blocks_missing(store) if number * BLOCK < done}:
        start = _spun_up(model, world, progress)
        _Truth(store, times[:done], BLOCK, model).make_again(lost, start, run, progress)
    task = progress.add_task("nature run", total=times.size, completed=done)
    while done < times.size:
        block_times = times[done : done + BLOCK]
        states, run = _block(model, run, block_times.size)
        write_region(store, states, model.layout, {"time": block_times}, done)
        done += block_times.size
        _write_restart(restart, run, done, world)
        progress.update(task, completed=done)


def _block(
    model: JcmForecastModel, run: RunState, count: int
) -> tuple[Float[np.ndarray, "time lat lon channel"], RunState]:
    """The next `count` states, and the native state after them."""
    states = []
    for _ in range(count):
        states.append(np.asarray(model.end(run)))
        run = model.step(run)
    return np.stack(states), run


@dataclass(frozen=True)
class _Truth:
    """What is written of a nature run.

    Attributes:
        store: the truth.
        times: those that are written.
        block: times in a block.
        model: what simulates it.
    """

    store: Path
    times: Shaped[np.ndarray, " time"]
    block: int
    model: JcmForecastModel

    def make_again(
        self, lost: Collection[int], start: RunState, end: RunState, progress: Progress
    ) -> None:
        """Simulate blocks again that lack chunks, and what leads to them.

        They are written when the block behind them has come out as it is in the store.

        Args:
            lost: numbers of the blocks.
            start: native state at the first time.
            end: native state after the last one.
            progress: shows the blocks done.

        Raises:
            StorageError: the simulation is not the one that is there.
        """
        run, made = start, dict[int, np.ndarray]()
        numbers = range(min(max(lost) + 2, -(-self.times.size // self.block)))
        for number in progress.track(numbers, description="lost blocks, from the start"):
            states, run = _block(self.model, run, self._times_of(number).size)
            if number in lost:
                made[number] = states
                continue
            with open_states(self.store) as truth:
                there = read_times(truth, self.model.layout, self._times_of(number)).values
            if not np.array_equal(states, there):
                raise self._differs(number)
            self._write(made)
            made = {}
        if made:  # the last block: behind it is the restart file
            pairs = zip(jax.tree.leaves(run), jax.tree.leaves(end), strict=True)
            if not all(np.array_equal(left, right) for left, right in pairs):
                raise self._differs(max(made))
            self._write(made)

    def _times_of(self, number: int) -> Shaped[np.ndarray, " time"]:
        return self.times[number * self.block : (number + 1) * self.block]

    def _write(self, made: Mapping[int, np.ndarray]) -> None:
        for number, states in made.items():
            leading = {"time": self._times_of(number)}
            write_region(self.store, states, self.model.layout, leading, number * self.block)

    def _differs(self, number: int) -> StorageError:
        """The error that a simulation is not the one that is there."""
        return StorageError(
            f"{self.store} lacks chunks, and a simulation from the start is not the one in it at "
            f"{self._times_of(number)[0]}: this process computes otherwise. Restore it from a "
            f"copy, or remove it and {self.store.with_name(RESTART)} to simulate anew"
        )


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
    computed = json.dumps(how_computed(), sort_keys=True)
    np.savez(content, done=done, configuration=digest_of(world), computed=computed, **leaves)
    write_durably(path, content.getvalue())


def _read_restart(path: Path, model: JcmForecastModel, world: WorldConfig) -> tuple[RunState, int]:
    """The native state and the number of times that are written."""
    like = model.begin(jnp.ones(model.layout.shape), np.datetime64(world.start))
    leaves, structure = jax.tree.flatten(like)
    saved = _arrays_in(path, sum(np.asarray(leaf).nbytes for leaf in leaves) + _HEADERS)
    if str(saved.get("configuration")) != digest_of(world):
        message = f"{path} belongs to another [world]: choose another folder, or remove it"
        raise StorageError(message)
    check_computed(path, str(saved["computed"]) if "computed" in saved else None)
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
        return dict(arrays_of_npz(path.read_bytes(), most))
    except _UNREADABLE as error:
        message = f"{path} cannot be read ({error}): remove it to simulate anew"
        raise StorageError(message) from error
