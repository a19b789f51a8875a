"""A nature run by the forecast model of the run goes on where it was ended."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
import zarr
from rich.progress import Progress

from align_da.atmosphere import Layout, State, periodic_line
from align_da.config import Config, WorldConfig
from align_da.errors import InputError
from align_da.forecast import FunctionForecastModel
from data_pipelines import model_run, template
from data_pipelines.model_run import run_model

LAYOUT = Layout(periodic_line(4), ("lorenz_96", "abstract_field"))
CONFIG = Config(
    world=WorldConfig(model="lorenz96", train_days=30, gap_days=10, validation_days=6, test_days=6)
)
BLOCK, STATES = 40, 248  # of its periods, in seven blocks


class PowerCutError(Exception):
    """Stands for a run that is killed."""


@dataclass(frozen=True)
class Starting(FunctionForecastModel):
    """A model with two variables that knows its start."""

    def start(self) -> State:
        return State(jnp.full((1, *LAYOUT.shape), 0.3), LAYOUT)


@pytest.fixture(autouse=True)
def steps(monkeypatch: pytest.MonkeyPatch) -> list[np.datetime64]:
    """The steps of the model, which is that of every run here, by their valid time."""
    taken: list[np.datetime64] = []

    class Counted(Starting):
        def forecast(
            self,
            states: State,
            valid_time: np.datetime64,
            lead_hours: int,
            previous: State | None = None,
        ) -> State:
            taken.append(valid_time)
            return super().forecast(states, valid_time, lead_hours, previous)

    model = Counted(lambda x: 3.7 * x * (1 - x), LAYOUT)
    monkeypatch.setattr(model_run, "configured_forecast_model", lambda _: model)
    return taken


def run(folder: Path) -> dict[str, bytes]:
    """Run to the end; every file of the truth."""
    run_model(CONFIG, folder, Progress(disable=True))
    store = folder / "truth.zarr"
    files = (path for path in store.rglob("*") if path.is_file())
    return {str(path.relative_to(store)): path.read_bytes() for path in files}


def end_in_block(monkeypatch: pytest.MonkeyPatch, folder: Path, number: int) -> None:
    """Run, and be killed when one of two variables of a block is written."""
    write = template.write_dataset_region

    def torn(store: Path, region: xr.Dataset, place: dict[str, slice]) -> None:
        ended = place["time"].start >= number * BLOCK
        write(store, region[["lorenz_96"]] if ended else region, place)
        if ended:
            (store / "abstract_field" / "c.partial").write_bytes(b"half")
            raise PowerCutError

    with monkeypatch.context() as patch:
        patch.setattr(template, "write_dataset_region", torn)
        with pytest.raises(PowerCutError):
            run(folder)


def test_a_run_that_was_ended_between_two_variables_goes_on_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: list[np.datetime64]
) -> None:
    whole = run(tmp_path / "whole")
    steps.clear()
    end_in_block(monkeypatch, tmp_path / "ended", 2)
    first = len(steps)
    assert run(tmp_path / "ended") == whole
    again = STATES - 2 * BLOCK
    assert again <= len(steps) - first <= again + 1  # no spin-up, no block twice
    with xr.open_zarr(tmp_path / "whole" / "truth.zarr", consolidated=False) as truth:
        assert truth.sizes["time"] == STATES
        assert bool(np.isfinite(truth["abstract_field"]).all())


def test_a_run_that_is_done_is_told_by_a_few_of_its_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: list[np.datetime64]
) -> None:
    whole = run(tmp_path)
    chunks = [name for name in whole if name.startswith("lorenz_96/c/")]
    assert len(chunks) == -(-STATES // BLOCK)
    read: list[str] = []
    get = zarr.storage.LocalStore.get

    async def counted(store: Any, key: str, *others: Any, **named: Any) -> Any:
        read.append(key)
        return await get(store, key, *others, **named)

    monkeypatch.setattr(zarr.storage.LocalStore, "get", counted)
    steps.clear()
    assert model_run._written(tmp_path / "truth.zarr", BLOCK) == STATES
    assert 0 < len([key for key in read if key.startswith("lorenz_96/c/")]) < len(chunks) / 2 + 1
    assert steps == []


def test_a_start_without_its_leading_axis_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Bare(Starting):
        def start(self) -> State:
            return State(jnp.full(LAYOUT.shape, 0.3), LAYOUT)

    monkeypatch.setattr(model_run, "configured_forecast_model", lambda _: Bare(abs, LAYOUT))
    told = r"start\(\) of the forecast model 'lorenz96': .*\(1, 1, 4, 2\), got \(1, 4, 2\)"
    with pytest.raises(InputError, match=told):
        run(tmp_path)
