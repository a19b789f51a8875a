"""A small world of Lorenz-96 with its truth and backgrounds, made once."""

from pathlib import Path

import jax
import numpy as np
import pytest
import xarray as xr
from rich.progress import Progress

from align_da.atmosphere import State
from align_da.config import BackgroundsConfig, Config, CycledBackgroundsConfig, WorldConfig
from align_da.forecast import Lorenz96ForecastModel
from align_da.storage.run_folder import RunFolder
from data_pipelines.backgrounds import make_backgrounds
from data_pipelines.splits import periods_of
from data_pipelines.template import write_region, write_template

CONFIG = Config(
    world=WorldConfig(
        model="lorenz96", train_days=30, gap_days=10, validation_days=6, test_days=6
    ),
    backgrounds=BackgroundsConfig(
        lead_hours=(6, 48), train_starts=25, validation_starts=3, test_starts=2
    ),
    cycled_backgrounds=CycledBackgroundsConfig(segments=0),
)


def write_truth(folder: Path) -> None:
    """A nature run of Lorenz-96 over all the periods."""
    model = Lorenz96ForecastModel()
    periods = periods_of(CONFIG.world)
    step = np.timedelta64(6, "h")
    times = np.arange(periods["train"].start, periods["test"].end, step).astype("datetime64[ns]")
    state = State(
        8.0 + jax.random.normal(jax.random.key(0), (1, *model.layout.shape)), model.layout
    )
    state = model.forecast(state, times[0], 24 * 30)
    values = []
    for time in times:
        values.append(np.asarray(state.values[0]))
        state = model.forecast(state, time, 6)
    store = RunFolder(folder).truth
    write_template(store, model.layout, {"time": times}, 40, xr.Dataset())
    for first in range(0, times.size, 40):
        block = np.stack(values[first : first + 40])
        write_region(store, block, model.layout, {"time": times[first : first + 40]}, first)


@pytest.fixture(scope="session")
def config() -> Config:
    return CONFIG


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run")
    write_truth(path)
    with Progress(disable=True) as progress:
        make_backgrounds(CONFIG, path, 1, progress)
    return path
