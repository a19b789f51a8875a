"""Every command of the chain, from nothing to the report, on a world of toy size."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from command_line import align_da

CONFIG = Path(__file__).with_name("small.toml")
STAGES = (
    "data truth",
    "data backgrounds --workers 1",
    "data statistics",
    "train autoencoder",
    "data cycled --workers 1",
    "train denoiser",
    "train covariance",
    "train model_error",
    "align candidates",
    "align aligned",
    "align continued",
    "align supervised",
)
SCORES = (
    "align leads --set alignment.backgrounds=1 --set alignment.candidates=2",
    "align compare",
    "benchmark --name single",
    "cycle --name free_run --set cycle.method=free_run",
    "cycle --name three_d_var --set cycle.method=three_d_var",
    (
        "cycle --name letkf --set cycle.method=letkf --set cycle.split=validation"
        " --set cycle.model_error_share=0.5"
    ),
    "cycle --name align_da",
    "verify --name free_run --name align_da",
    "monitor --name align_da",
)

pytestmark = [pytest.mark.chain, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("chain")
    for command in (*STAGES, *SCORES):
        align_da(command, path, CONFIG)
    return path


def test_every_stage_leaves_a_record_with_its_wall_time(folder: Path) -> None:
    for command in STAGES:
        record = json.loads((folder / "stages" / f"{command.split()[1]}.json").read_text())
        assert record["wall_seconds"] > 0


def test_a_stage_that_is_done_is_not_done_again(folder: Path) -> None:
    record = folder / "stages" / "aligned.json"
    before = record.stat().st_mtime_ns
    align_da("align aligned", folder, CONFIG)
    assert record.stat().st_mtime_ns == before


def test_analyses_are_read_with_xarray(folder: Path) -> None:
    store = folder / "cycles" / "align_da.zarr"
    analysis = xr.open_zarr(store, group="analysis", consolidated=False)
    assert dict(analysis.sizes) == {
        "time": 3,
        "realization": 2,
        "level": 8,
        "latitude": 32,
        "longitude": 64,
    }
    for name, values in analysis.data_vars.items():
        assert np.isfinite(values).all(), name
    assert analysis.temperature.attrs["units"] == "K"


def test_priors_are_compared_by_every_reward(folder: Path) -> None:
    table = pd.read_csv(folder / "report" / "alignment.csv")
    assert {"reference", "aligned", "continued", "supervised"} == set(table["prior"])
    assert {"accuracy", "forecast", "balance", "sum"} <= set(table["measure"])


def test_leads_of_the_forecast_reward_are_compared(folder: Path) -> None:
    table = pd.read_csv(folder / "report" / "forecast_leads.csv")
    assert list(table["lead_hours"]) == [24, 48, 72, 120]
    assert np.isfinite(table["signal_to_noise"]).all()


def test_every_method_of_the_benchmark_is_scored_on_every_date(folder: Path) -> None:
    rows = pd.read_csv(folder / "report" / "benchmark" / "single_rows.csv")
    chosen = rows[(rows["variable"] == "u") & (rows["score"] == "rmse")]
    assert set(chosen.groupby("method").size()) == {2}
    assert {"background", "optimal interpolation", "latent 3D-Var"} < set(chosen["method"])
    assert np.isfinite(chosen["value"]).all()


def test_the_report_opens_without_a_network_and_shows_the_alignment(folder: Path) -> None:
    text = (folder / "report" / "report.html").read_text()
    assert "Alignment" in text
    assert "default-src 'none'" in text


def test_the_observations_of_a_run_are_monitored(folder: Path) -> None:
    alerts = pd.read_csv(folder / "report" / "observation_monitor.csv")
    assert {"cycle", "station", "variable", "what", "limits"} <= set(alerts.columns)
    assert alerts.empty  # three cycles are no history
    assert (folder / "report" / "observation_monitor.png").stat().st_size > 0
