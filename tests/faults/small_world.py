"""Tasks of a world of Lorenz-96 that end or hold up their worker, for the tests of workers."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from pipelines.conftest import CONFIG
from rich.progress import Progress

from align_da.alignment import AlignmentCase, CandidateScore
from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from data_pipelines import backgrounds
from data_pipelines.backgrounds import BackgroundsTask, forecast_block, make_backgrounds
from data_pipelines.template import write_region

LAYOUT = Layout(
    Grid(
        tuple(np.linspace(-80, 80, 33).tolist()),
        tuple((360 / 65 * np.arange(65)).tolist()),
        VerticalCoordinate("sigma", (0.5,)),
    ),
    ("u_component_of_wind", "v_component_of_wind"),
)
FATAL = "block 0 of the test period"
FATAL_ONCE = ("block 1 of the train period", "block 0 of the validation period")


def make(folder: Path, workers: int = 2) -> None:
    """Make all backgrounds, or what of them is missing."""
    with Progress(disable=True) as progress:
        make_backgrounds(CONFIG, folder, workers, progress)


def make_all_but_one(folder: Path) -> None:
    """Make all backgrounds but one block, and wait there to be killed."""
    with patch.object(backgrounds, "forecast_block", wait_at_one):
        make(folder)


def wait_at_one(task: BackgroundsTask) -> None:
    """Forecast, but wait for ever at one block."""
    if str(task) == FATAL:
        time.sleep(600)
    forecast_block(task)


def die_of_one(task: BackgroundsTask) -> None:
    """Forecast, but kill the worker at one block."""
    if str(task) == FATAL:
        os.kill(os.getpid(), signal.SIGKILL)
    forecast_block(task)


@dataclass(frozen=True)
class DieOnce:
    """Forecast, but kill the worker the first time that it has written half of some blocks.

    Attributes:
        kills: how many blocks.
    """

    kills: int

    def __call__(self, task: BackgroundsTask) -> None:
        mark = task.folder / f"{task}.killed"
        if str(task) not in FATAL_ONCE[: self.kills] or mark.exists():
            forecast_block(task)
            return
        mark.touch()
        with patch.object(backgrounds, "write_region", _write_and_die):
            forecast_block(task)


def _write_and_die(store: Path, *arguments: Any) -> None:
    """Write the forecasts, leave a file as zarr does in the middle of one, and die."""
    write_region(store, *arguments)
    (store / "amplitude" / "c.0b5c.partial").write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)


def build_sums() -> CandidateScore:
    """A score that is sensitive to how its input lies in memory: a plain sum in float32."""
    return lambda candidates, _: xr.Dataset({"sum": np.asarray(candidates.values).sum()})


def draw(_: AlignmentCase, key: jax.Array) -> tuple[State, jax.Array]:
    """Noise."""
    values = jax.random.normal(key, (16, *LAYOUT.shape))
    return State(values, LAYOUT), values[..., :1, :1, :1]


def cases() -> list[AlignmentCase]:
    """As many as two workers can share unevenly."""
    zero = State(jnp.zeros(LAYOUT.shape), LAYOUT)
    return [AlignmentCase(zero, zero, np.datetime64("1960-01-01T00"), zero, 24.0)] * 15
