"""Row 65 of the table of faults: every kind of file that is read, mutated at random.

What is read is what was written, or an error that was raised on purpose, and soon. Files of other
systems (gridded states, configurations) carry no digest: there a change may be taken for what it
says, but nothing else may happen.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mutation import mutated
from small_run import run_small, small_experiment

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.atmosphere.dataset import dataset_from_state, layout_from_dataset
from align_da.config import WorldConfig, load_config
from align_da.digests import digest_of
from align_da.errors import AlignDAError, StorageError
from align_da.storage.checkpoints import load_weights, save_weights
from align_da.storage.gridded import open_states, read_times
from align_da.storage.ledger import read_ledger
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import Stage, digest_of_stage
from align_da.storage.stages import run_stage
from align_da.storage.statistics import read_normalisation
from align_da.storage.store_places import ledger_path
from align_da.storage.stored_cycles import open_cycles
from align_da.storage.verification import verify_store

nature_run = pytest.importorskip("data_pipelines.nature_run")
RunState = nature_run.RunState

Figure = Callable[[str], None]
LONGEST = 2.0  # seconds
PARAMS = {"kernel": jnp.arange(6.0).reshape(2, 3), "bias": jnp.ones(3)}
TIMES = np.datetime64("2020-01-01", "ns") + np.arange(2) * np.timedelta64(6, "h")
WORLD = WorldConfig()
FIRST = Stage("first", [1, "two"], [], [])
TOML = b"""seed = 3
[world]
start = "1960-10-23T00:00"  # a comment
[backgrounds]
lead_hours = [12, 24, 48]
amplitude = [0.05, 0.3]
[cycle]
method = "letkf"
members = 8
watchdog = { policy = "stop", limit = 2.5 }
"""


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        write: writes it into a folder and gives the path to read.
        files: pattern of the files below the folder that are mutated.
        read: gives what was read, in a form that can be compared.
        proved: whether a digest proves what is read.
    """

    write: Callable[[Path], Path]
    files: str
    read: Callable[[Path], object]
    proved: bool = True


def write_toml(folder: Path) -> Path:
    path = folder / "config.toml"
    path.write_bytes(TOML)
    return path


def write_store(folder: Path) -> Path:
    run_small(folder / "run.zarr", small_experiment(1))
    return folder / "run.zarr"


def read_store(path: Path) -> object:
    """Analyses of a store that is whole."""
    damages = verify_store(path)
    if damages:
        raise StorageError(str(damages[0]))
    return open_cycles(path).load()["lorenz_96"].values.tobytes()


def read_only_cycle(path: Path) -> object:
    """A ledger of one cycle; one whose last line was cut is a ledger of none."""
    ledger = read_ledger(ledger_path(path))
    if not ledger.cycles:
        message = "the cycle is not complete"
        raise StorageError(message)
    return ledger


def write_weights(folder: Path) -> Path:
    save_weights(folder / "weights", PARAMS, {"name": "small"})
    return folder / "weights"


def read_weights(path: Path) -> object:
    leaves = jax.tree.leaves(load_weights(path, PARAMS))
    return [np.asarray(leaf).tobytes() for leaf in leaves]


def write_stage(folder: Path) -> Path:
    run_stage(RunFolder(folder), FIRST, lambda: None)
    return folder


def read_stage(path: Path) -> object:
    """What the next stage takes, and what the same one makes of its own record."""
    folder = RunFolder(path)
    return digest_of_stage(folder, FIRST.name), run_stage(folder, FIRST, lambda: None)


def write_statistics(folder: Path) -> Path:
    path = folder / "statistics.json"
    path.write_text('{"states": {"mean": [1.5, 2.0], "std": [0.5, 3.0]}, "starts": 12}')
    return path


def read_statistics(path: Path) -> object:
    found = read_normalisation(path)
    assert found.mean.shape == found.std.shape
    assert bool(jnp.isfinite(found.mean).all() & (found.std > 0).all())
    return [np.asarray(part).tobytes() for part in (found.mean, found.std)]


class Model(nature_run.JcmForecastModel):
    """Has a native state of two arrays."""

    def __init__(self) -> None:
        self.layout = Layout(
            Grid((0.0,), (0.0, 180.0), VerticalCoordinate("index", (1.0,))), ("abstract_field",)
        )

    def begin(self, *_: object) -> Any:
        return RunState(np.zeros(20), np.zeros((2, 3)), None, None)


def write_restart(folder: Path) -> Path:
    path = folder / nature_run.RESTART
    leaves = {"leaf_0": np.arange(20.0), "leaf_1": np.ones((2, 3))}
    np.savez(path, done=3, configuration=digest_of(WORLD), **leaves)
    return path


def read_restart(path: Path) -> object:
    run, done = nature_run._read_restart(path, Model(), WORLD)
    return [leaf.tobytes() for leaf in jax.tree.leaves(run)], done


def write_states(folder: Path) -> Path:
    grid = Grid((-45.0, 45.0), (0.0, 90.0, 180.0, 270.0), VerticalCoordinate("sigma", (0.3, 0.9)))
    layout = Layout(grid, ("temperature", "surface_pressure"))
    values = 200 + jnp.arange(2 * 2 * 4 * 3, dtype=jnp.float32).reshape(2, *layout.shape)
    dataset = dataset_from_state(State(values, layout), {"time": TIMES})
    dataset.to_zarr(folder / "states.zarr", zarr_format=3, consolidated=False)
    return folder / "states.zarr"


def write_netcdf(folder: Path) -> Path:
    path = folder / "states.nc"
    open_states(write_states(folder / "source")).load().to_netcdf(path)
    return path


def read_gridded(path: Path) -> object:
    dataset = open_states(path)
    found = np.asarray(read_times(dataset, layout_from_dataset(dataset), TIMES).values)
    assert np.isfinite(found).all()
    return found.tobytes()


KINDS = {
    "configuration": Kind(write_toml, "*.toml", load_config, proved=False),
    "ledger": Kind(write_store, "*.jsonl", read_only_cycle),
    "manifest": Kind(write_store, "*.manifest.json", read_store),
    "metadata of cycles": Kind(write_store, "**/zarr.json", read_store),
    "chunk of cycles": Kind(write_store, "run.zarr/*/*/c*", read_store),
    "digests of weights": Kind(write_weights, "*/digests.json", read_weights),
    "weights": Kind(write_weights, "*/arrays/**/*", read_weights),
    "record of a stage": Kind(write_stage, "stages/*.json", read_stage, proved=False),
    "statistics": Kind(write_statistics, "*.json", read_statistics, proved=False),
    "restart of the truth": Kind(write_restart, "*.npz", read_restart),
    "metadata of states": Kind(write_states, "**/zarr.json", read_gridded, proved=False),
    "netCDF of states": Kind(write_netcdf, "*.nc", read_gridded, proved=False),
    "chunk of states": Kind(write_states, "states.zarr/*/c/**/*", read_gridded, proved=False),
}


@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("default")  # as for users: a warning is no refusal
@pytest.mark.parametrize("count", [20, pytest.param(1000, marks=pytest.mark.long)])
@pytest.mark.parametrize("kind", KINDS)
def test_row_65_a_mutated_file_is_refused_or_read_as_it_was(
    kind: str, count: int, tmp_path: Path, figure: Figure
) -> None:
    case, random = KINDS[kind], np.random.default_rng(65)
    path = case.write(tmp_path)
    known = case.read(path)
    files = sorted(file for file in tmp_path.glob(case.files) if file.is_file())
    refused = other = 0
    for _ in range(count):
        file = files[random.integers(len(files))]
        content = file.read_bytes()
        file.write_bytes(mutated(content, random))
        begin = time.monotonic()
        try:
            found = case.read(path)
        except AlignDAError:
            refused += 1
        else:
            other += found != known
        assert time.monotonic() - begin < LONGEST
        file.write_bytes(content)
    assert refused > 0
    assert other == 0 or not case.proved
    told = f", {other} taken for what they say" if other else ""
    figure(f"{kind}: {refused} of {count} refused{told}, {count - refused - other} as written")
