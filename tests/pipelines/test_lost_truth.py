"""Lost blocks of the truth are made again by the command that made them, bit for bit."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from rich.progress import Progress

from align_da.atmosphere import State
from align_da.config import WorldConfig
from align_da.errors import StorageError
from align_da.forecast import Lorenz96ForecastModel
from align_da.storage.run_folder import RunFolder
from align_da.storage.seal import blocks_missing, missing_chunks

nature_run = pytest.importorskip("data_pipelines.nature_run")
TIMES = (np.datetime64("1959-01-03T00") + 6 * np.arange(10)).astype("datetime64[ns]")
BASE = Lorenz96ForecastModel()
START = 8.0 + jax.random.normal(jax.random.key(0), BASE.layout.shape)


class Model(nature_run.JcmForecastModel):
    """Lorenz-96 behind the few methods of the circulation model that a nature run needs."""

    step_hours = BASE.step_hours
    orography = np.zeros(BASE.layout.grid.shape, np.float32)

    def __init__(self) -> None:
        self.layout = BASE.layout

    def begin(self, values: Any, *_: object) -> Any:
        return nature_run.RunState(values, None, None, None)

    def step(self, run: Any) -> Any:
        state = State(jnp.asarray(run.dynamics)[None], BASE.layout)
        return self.begin(BASE.forecast(state, TIMES[0], 6).values[0])

    def end(self, run: Any) -> Any:
        return run.dynamics


def simulate(folder: Path) -> None:
    with Progress(disable=True) as progress:
        nature_run.run_nature(WorldConfig(), folder, progress)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A truth of three blocks."""
    monkeypatch.setattr(nature_run, "JcmForecastModel", lambda *_, **__: Model())
    monkeypatch.setattr(nature_run, "_spun_up", lambda *_: Model().begin(START))
    monkeypatch.setattr(nature_run, "times_of_truth", lambda *_: TIMES)
    monkeypatch.setattr(nature_run, "BLOCK", 4)
    simulate(tmp_path)
    return tmp_path


def opened(folder: Path) -> xr.Dataset:
    return xr.open_zarr(RunFolder(folder).truth, consolidated=False).load()


def lose(store: Path, number: int) -> None:
    """Remove the chunk of a block."""
    (chunk,) = (store / BASE.layout.variables[0] / "c" / str(number)).rglob("*/0/0")
    chunk.unlink()


@pytest.mark.parametrize("lost", [(0,), (1,), (2,), (0, 2)])
def test_lost_blocks_are_made_again_with_the_same_bits(
    lost: tuple[int, ...], folder: Path
) -> None:
    whole, store = opened(folder), RunFolder(folder).truth
    for number in lost:
        lose(store, number)
    assert blocks_missing(store) == set(lost)
    simulate(folder)
    assert not missing_chunks(store)
    xr.testing.assert_identical(opened(folder), whole)


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_simulation_that_is_another_does_not_fill_the_gap(
    lost: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RunFolder(folder).truth
    lose(store, lost)
    monkeypatch.setattr(nature_run, "_spun_up", lambda *_: Model().begin(START + 1e-3))
    with pytest.raises(StorageError, match=r"lacks chunks.*computes otherwise.*restart\.npz"):
        simulate(folder)
    assert blocks_missing(store) == {lost}
