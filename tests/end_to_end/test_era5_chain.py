"""The chain on states of ERA5's schema: pressure levels, surface variables, geopotential.

The forecast model moves the waves of `era5_world` eastward; it stands for any model on the grid of
the states.
"""

import shlex
from dataclasses import dataclass
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from era5_world import travelling_waves, write_store

from align_da.atmosphere import Layout, State
from align_da.atmosphere.dataset import layout_from_dataset
from align_da.cli import scoring
from align_da.cli.application import app
from align_da.cli.cluster import client_of
from align_da.config import WorldConfig
from align_da.forecast import build
from align_da.storage.gridded import open_states
from align_da.storage.run_folder import RunFolder
from data_pipelines.cli import app as data

CONFIG = Path(__file__).with_name("era5.toml")
COMMANDS = (
    "data truth --workers 1",
    "data backgrounds --workers 1",
    "data statistics --workers 1",
    "train autoencoder",
    "data cycled --workers 1",
    "train denoiser",
    "train covariance",
    "align candidates",
    "align aligned",
    "cycle --name free_run --set cycle.method=free_run",
    "cycle --name letkf --set cycle.method=letkf",
    "cycle --name align_da",
    "verify --name free_run --name letkf --name align_da",
)

pytestmark = [pytest.mark.chain, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class EastwardModel:
    """The state moves eastward by a fifth of a column a step, about as fast as the waves."""

    layout: Layout
    step_hours: int = 6
    differentiable: bool = True

    def forecast(self, states: State, valid_time: np.datetime64, lead_hours: int) -> State:
        share = lead_hours / self.step_hours / 5
        whole = int(share)
        values = jnp.roll(states.values, whole, axis=-2)
        part = share - whole
        return State((1 - part) * values + part * jnp.roll(values, 1, axis=-2), self.layout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if "data" not in {group.name for group in app.registered_groups}:
        app.add_typer(data, name="data")
    path = tmp_path_factory.mktemp("era5_chain")
    source = write_store(travelling_waves(40), path / "source.zarr")

    def eastward(_config: WorldConfig) -> EastwardModel:
        return EastwardModel(layout_from_dataset(open_states(RunFolder(path).truth)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(build._BUILDERS, "jcm", eastward)
        # Workers that are processes know nothing of the patch.
        patch.setattr(scoring, "client_of", lambda _scheduler: client_of(None, workers=1))
        build.build_forecast_model.cache_clear()
        for command in COMMANDS:
            shared = f"--run {path} --config {CONFIG} --set era5.source={source}"
            assert not app(shlex.split(f"{command} {shared}"), standalone_mode=False), command
    build.build_forecast_model.cache_clear()
    return path


def test_analyses_have_every_variable_on_pressure_levels(folder: Path) -> None:
    store = RunFolder(folder).cycles("align_da")
    analysis = xr.open_zarr(store, group="analysis", consolidated=False)
    assert dict(analysis.sizes) == {
        "time": 3,
        "realization": 2,
        "level": 3,
        "latitude": 16,
        "longitude": 32,
    }
    np.testing.assert_array_equal(analysis["level"], [3e4, 5e4, 8.5e4])
    assert {"geopotential", "2m_temperature", "mean_sea_level_pressure"} <= set(analysis)
    for name, values in analysis.data_vars.items():
        assert np.isfinite(values).all(), name


def test_the_report_shows_pressure_levels_and_the_surface(folder: Path) -> None:
    text = (folder / "report" / "report.html").read_text()
    assert "z (500 hPa)" in text
    assert "msl" in text


def test_every_method_is_scored_on_every_kind_of_field(folder: Path) -> None:
    tables = map(pd.read_csv, (folder / "report").rglob("*.csv"))
    rows = pd.concat([table for table in tables if {"method", "variable"} <= set(table)])
    assert {"free_run", "letkf", "align_da"} <= set(rows["method"])
    assert {"u (300 hPa)", "T (850 hPa)", "z (500 hPa)", "t2m", "msl"} <= set(rows["variable"])
