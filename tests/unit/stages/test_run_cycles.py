"""A run of cycles is defined by what it has loaded, whatever records say."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.atmosphere.dataset import dataset_from_state
from align_da.config import Config
from align_da.errors import StorageError
from align_da.runs.priors import MODEL_SPACE_SCALING, load_model_space_prior, model_space
from align_da.runs.run import Run, open_run
from align_da.stages import run_cycles
from align_da.stages.estimate_covariance import estimate_covariance
from align_da.storage.datasets import write_dataset
from align_da.storage.durable import write_durably
from align_da.storage.inspection import describe
from align_da.storage.manifest import read_manifest, write_manifest
from align_da.storage.run_folder import RunFolder
from align_da.storage.stages import Stage, run_stage
from align_da.storage.store_files import manifest_path
from align_da.storage.verified_arrays import read_arrays, write_arrays

LAYOUT = Layout(
    Grid(
        tuple(np.linspace(-78.75, 78.75, 8).tolist()),
        tuple((np.arange(16) * 22.5).tolist()),
        VerticalCoordinate("sigma", (0.3, 0.8)),
    ),
    ("u_component_of_wind", "v_component_of_wind", "temperature", "surface_pressure"),
)
TYPICAL = np.array([5.0, 5.0, 0.0, 0.0, 250.0, 280.0, 1e5], np.float32)
SPREAD = np.array([3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 300.0], np.float32)
STEP = np.timedelta64(6, "h")
CONFIG = Config.model_validate(
    {
        "world": {"model": "lorenz96"},
        "backgrounds": {"lead_hours": (6, 12)},
        "cycled_backgrounds": {"segments": 0},
        "three_d_var": {"modes": 4, "outer": 1, "inner": 2},
        "cycle": {"method": "three_d_var", "members": 2, "cycles": 2},
        "analysis": {"truncation": None},
    }
)
SPLITS = {"train": (0, 12), "validation": (13, 15), "test": (16, 20)}


@dataclass(frozen=True)
class Persistence:
    """Forecasts nothing but what is."""

    layout: Layout = LAYOUT
    step_hours: int = 6
    frames: Literal[1, 2] = 1
    differentiable: bool = True

    def forecast(
        self, states: State, valid_time: np.datetime64, lead_hours: int, previous: State | None
    ) -> State:
        return states


def random_states(*leading: int, seed: int) -> State:
    noise = np.random.default_rng(seed).normal(size=(*leading, *LAYOUT.shape))
    return State(jnp.asarray(TYPICAL + SPREAD * noise, jnp.float32), LAYOUT)


def write_truth(path: Path) -> None:
    times = np.datetime64("2000-01-01", "ns") + STEP * np.arange(24)
    dataset = dataset_from_state(random_states(24, seed=0), {"time": times})
    ground = (("latitude", "longitude"), np.zeros(LAYOUT.shape[:2], np.float32))
    write_dataset(path, dataset.assign(geopotential_at_surface=ground))


def write_backgrounds(folder: RunFolder) -> None:
    for split, (first, last) in SPLITS.items():
        leading = {
            "time": np.datetime64("2000-01-01", "ns") + STEP * np.arange(first, last),
            "prediction_timedelta": STEP * np.arange(1, 3),
        }
        states = random_states(last - first, 2, seed=first + 1)
        write_dataset(folder.backgrounds(split), dataset_from_state(states, leading))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Everything that two cycles of 3D-Var need."""
    folder = RunFolder(tmp_path_factory.mktemp("world"))
    statistics = {"mean": TYPICAL.tolist(), "std": SPREAD.tolist()}
    text = json.dumps({"states": statistics}).encode()
    backgrounds = [folder.backgrounds(split) for split in SPLITS]
    for stage, action in (
        (Stage("truth", [], [], [folder.truth]), lambda: write_truth(folder.truth)),
        (Stage("backgrounds", [], ["truth"], backgrounds), lambda: write_backgrounds(folder)),
        (
            Stage("statistics", [], ["backgrounds"], [folder.statistics]),
            lambda: write_durably(folder.statistics, text),
        ),
    ):
        run_stage(folder, stage, action)
    estimate_covariance(CONFIG, folder.root)
    return folder


@pytest.fixture(scope="module", params=["records", "records without products"])
def cycled(
    world: RunFolder, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A finished run; its records name no products where those of shipped weights name none."""
    folder = RunFolder(tmp_path_factory.mktemp("run") / "run")
    shutil.copytree(world.root, folder.root)
    if request.param != "records":
        for record in folder.stages.glob("*.json"):
            write_durably(
                record, json.dumps({**json.loads(record.read_text()), "products": {}}).encode()
            )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_cycles, "cycle_forecast_model", lambda _: Persistence())
        assert cycle(folder.root) == 0
        yield folder.root


@pytest.fixture
def run(cycled: Path, tmp_path: Path) -> Path:
    """A copy, to be hurt."""
    return shutil.copytree(cycled, tmp_path / "run")


def cycle(run: Path) -> int:
    return run_cycles.run_cycles(CONFIG, run, "main")


def test_the_manifest_holds_the_digest_of_everything_that_was_loaded(cycled: Path) -> None:
    loaded = read_manifest(manifest_path(RunFolder(cycled).cycles("main"))).loaded
    assert sorted(loaded) == [
        "backgrounds_test.zarr",
        "backgrounds_train.zarr",
        "statistics.json",
        "truth.zarr",
        f"weights/{MODEL_SPACE_SCALING}",
    ]


def test_a_run_whose_inputs_are_as_they_were_is_whole_and_goes_on(run: Path) -> None:
    assert cycle(run) == 0
    assert describe(RunFolder(run).cycles("main")).whole


def other_weights(path: Path) -> None:
    """Of equal shape, with digests that hold."""
    arrays, _ = read_arrays(path)
    write_arrays(path, {name: 2 * array for name, array in arrays.items()}, {"name": "other"})


def other_statistics(path: Path) -> None:
    path.write_text(path.read_text().replace("250.0", "251.0"))


def other_states(path: Path) -> None:
    with xr.open_zarr(path, consolidated=False) as dataset:
        write_dataset(path, dataset.load() + 1.0)


EXCHANGES: dict[str, Callable[[Path], None]] = {
    f"weights/{MODEL_SPACE_SCALING}": other_weights,
    "statistics.json": other_statistics,
    "truth.zarr": other_states,
    "backgrounds_train.zarr": other_states,
}


@pytest.mark.parametrize("place", EXCHANGES)
def test_what_was_exchanged_is_told_by_name_and_the_run_does_not_go_on(
    place: str, run: Path
) -> None:
    EXCHANGES[place](run / place)
    with pytest.raises(
        StorageError, match=rf"(?s)restore what.*{place}: stored|{place} has changed.*Restore it"
    ):
        cycle(run)
    found = describe(RunFolder(run).cycles("main"))
    assert not found.whole
    assert f"NOT WHAT THE RUN HAS LOADED: {run / place}: restore" in found.text


def test_a_run_that_does_not_say_what_it_has_loaded_is_not_gone_on_with(run: Path) -> None:
    store = RunFolder(run).cycles("main")
    manifest = replace(read_manifest(manifest_path(store)), loaded={})
    write_manifest(manifest_path(store), manifest)
    with pytest.raises(StorageError, match=r"earlier version.*choose another name"):
        cycle(run)


@pytest.mark.parametrize("load", [load_model_space_prior, model_space])
def test_whoever_loads_it_is_told_of_what_is_not_as_a_stage_made_it(
    load: Callable[[Run], object], world: RunFolder, tmp_path: Path
) -> None:
    run = open_run(CONFIG, shutil.copytree(world.root, tmp_path / "run"))
    load(run)
    other_weights(run.folder.weights(MODEL_SPACE_SCALING))
    other_statistics(run.folder.statistics)
    with pytest.raises(StorageError, match=r"has changed since the stage '\w+' made it"):
        load(run)
