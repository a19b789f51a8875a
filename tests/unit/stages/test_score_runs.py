"""Cycles whose period is too short for forecasts are scored without them."""

import logging
from pathlib import Path

import pandas as pd
import pytest
from cycled_world import CONFIG, LAYOUT, make_world
from persistence import Persistence

from align_da.stages import run_cycles, score_runs


def test_where_no_forecast_fits_into_the_period_that_is_told_and_the_rest_is_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = make_world(tmp_path)
    monkeypatch.setattr(run_cycles, "cycle_forecast_model", lambda _: Persistence(LAYOUT))
    monkeypatch.setattr(score_runs, "configured_forecast_model", lambda _: Persistence(LAYOUT))
    assert run_cycles.run_cycles(CONFIG, folder.root, "main") == 0
    long = CONFIG.verification.model_copy(update={"forecast_lead_hours": (24, 4800)})
    config = CONFIG.model_copy(update={"verification": long})
    with caplog.at_level(logging.WARNING):
        report = score_runs.score_runs(config, folder.root, ["main"])
    assert "main: no forecast of 4800 h from one of its analyses ends before" in caplog.text
    assert report.exists()
    rows = pd.read_csv(folder.report / "cycle_scores.csv")
    assert set(rows["product"]) == {"background", "analysis"}
