"""Every command of downscaling, on a synthetic truth of toy size."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from command_line import align_da
from pipelines.test_coarse_backgrounds import CONFIG, write_truth

from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import Stage
from align_da.storage.stages import run_stage

SETTINGS = Path(__file__).with_name("downscaling.toml")
STAGES = (
    "data coarse",
    "data statistics",
    "train autoencoder",
    "train denoiser",
    "downscale --name both",
)

pytestmark = [pytest.mark.chain, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("downscaling")
    run_stage(RunFolder(path), Stage("truth", [], [], []), lambda: write_truth(CONFIG, path))
    for command in STAGES:
        align_da(command, path, SETTINGS)
    return path


def test_every_method_is_scored_on_the_grid_and_at_withheld_stations(folder: Path) -> None:
    rows = pd.read_csv(folder / "report" / "downscaling" / "both_rows.csv")
    chosen = rows[(rows["variable"] == "T") & (rows["score"] == "rmse")]
    assert set(chosen["product"]) == {"grid", "stations"}
    assert set(chosen.groupby(["product", "method"]).size()) == {3}
    assert {"bilinear", "corrected", "static, map", "reference, both"} < set(chosen["method"])
    assert np.isfinite(chosen["value"]).all()


def test_analyses_fit_the_map_better_than_their_background(folder: Path) -> None:
    summary = pd.read_csv(folder / "report" / "downscaling" / "both.csv")
    errors = summary[summary["score"] == "rmse"].set_index(["product", "variable", "method"])
    of_pressure = errors["mean"]["grid"]["p_s"]
    assert of_pressure["optimal_interpolation, both"] < of_pressure["corrected"]


def test_the_analyses_are_read_with_xarray(folder: Path) -> None:
    analysis = xr.open_zarr(RunFolder(folder).downscaled("both"), consolidated=False)
    sizes = {"time": 3, "realization": 2, "level": 2, "latitude": 8, "longitude": 16}
    assert dict(analysis.sizes) == sizes
    assert np.isfinite(analysis.surface_pressure).all()
