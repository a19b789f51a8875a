"""The chain on states of ERA5's schema: pressure levels, surface variables, geopotential.

The forecast model is a graph that moves the waves of `era5_world` eastward; it stands for any
model on the grid of the states.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from command_line import align_da
from era5_world import travelling_waves, write_store
from small_graphs import eastward_graph

from align_da.storage.run_folder import RunFolder

CONFIG = Path(__file__).with_name("era5.toml")
CHANNELS, GRID = 5 * 3 + 4, (16, 32)
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


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("era5_chain")
    source = write_store(travelling_waves(40), path / "source.zarr")

    graph = path / "eastward.onnx"
    graph.write_bytes(eastward_graph(CHANNELS, GRID, share=0.2))  # about as fast as the waves
    for command in COMMANDS:
        align_da(command, path, CONFIG, [f"era5.source={source}", f"onnx.path={graph}"])
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
