"""A small atmosphere that stands still, and everything that a run of cycles over it needs."""

from collections.abc import Mapping
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from persistence import Persistence

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.atmosphere.dataset import dataset_from_state
from align_da.config import Config
from align_da.stages import run_cycles
from align_da.stages.estimate_covariance import estimate_covariance
from align_da.storage.datasets import write_dataset
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import Stage
from align_da.storage.stages import run_stage
from align_da.storage.statistics import write_statistics

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
        "verification": {"forecast_lead_hours": (6,), "forecast_every": 2},
    }
)
WORLD = """
[world]
model = "lorenz96"
start = "2000-01-01T00:00"
spin_up_days = 0
train_days = 3
gap_days = 10
validation_days = 1
test_days = 3
[backgrounds]
lead_hours = [6, 12]
[cycled_backgrounds]
segments = 0
"""
"""The periods that `make_world` fills, as a file of configuration has them."""
Splits = Mapping[str, tuple[int, int]]
SPLITS: Splits = {"train": (0, 12), "validation": (13, 15), "test": (16, 20)}


def random_states(*leading: int, seed: int) -> State:
    noise = np.random.default_rng(seed).normal(size=(*leading, *LAYOUT.shape))
    return State(jnp.asarray(TYPICAL + SPREAD * noise, jnp.float32), LAYOUT)


def write_truth(path: Path) -> None:
    times = np.datetime64("2000-01-01", "ns") + STEP * np.arange(24)
    dataset = dataset_from_state(random_states(24, seed=0), {"time": times})
    ground = (("latitude", "longitude"), np.zeros(LAYOUT.shape[:2], np.float32))
    write_dataset(path, dataset.assign(geopotential_at_surface=ground))


def write_backgrounds(folder: RunFolder, splits: Splits) -> None:
    for split, (first, last) in splits.items():
        leading = {
            "time": np.datetime64("2000-01-01", "ns") + STEP * np.arange(first, last),
            "prediction_timedelta": STEP * np.arange(1, 3),
        }
        states = random_states(last - first, 2, seed=first + 1)
        write_dataset(folder.backgrounds(split), dataset_from_state(states, leading))


def make_world(root: Path, splits: Splits = SPLITS) -> RunFolder:
    """Truth, backgrounds, statistics and covariance, with the records of their stages."""
    folder = RunFolder(root)
    statistics = {"mean": TYPICAL.tolist(), "std": SPREAD.tolist()}
    backgrounds = [folder.backgrounds(split) for split in SPLITS]
    for stage, action in (
        (Stage("truth", [], [], [folder.truth]), lambda: write_truth(folder.truth)),
        (
            Stage("backgrounds", [], ["truth"], backgrounds),
            lambda: write_backgrounds(folder, splits),
        ),
        (
            Stage("statistics", [], ["backgrounds"], [folder.statistics]),
            lambda: write_statistics(folder.statistics, {"states": statistics}),
        ),
    ):
        run_stage(folder, stage, action)
    estimate_covariance(CONFIG, folder.root)
    return folder


def make_cycled_world(root: Path) -> RunFolder:
    """The same with two cycles called main, of forecasts that stand still."""
    folder = make_world(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_cycles, "cycle_forecast_model", lambda _: Persistence(LAYOUT))
        assert run_cycles.run_cycles(CONFIG, folder.root, "main") == 0
    return folder
