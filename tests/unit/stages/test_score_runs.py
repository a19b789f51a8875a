"""Cycling runs are scored, those too short for forecasts without them; no report is lost."""

import json
import logging
from pathlib import Path

import pandas as pd
import pytest
from command_line import with_data
from cycled_world import CONFIG, LAYOUT, make_cycled_world
from persistence import Persistence
from typer.testing import CliRunner

from align_da.config.table import with_overrides
from align_da.errors import ConfigError
from align_da.runs.run import Run
from align_da.stages import run_cycles, score_runs
from align_da.storage.durable import copy_files
from align_da.storage.ledger import read_ledger
from align_da.storage.run_folder import RunFolder
from align_da.storage.store_places import ledger_path
from align_da.verification.report import page
from align_da.verification.report.page import HtmlReport


@pytest.fixture(scope="module")
def cycled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose cycles are done."""
    return make_cycled_world(tmp_path_factory.mktemp("run")).root


@pytest.fixture
def folder(cycled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A copy of it; the model of its cycles and of its scores changes nothing."""
    monkeypatch.setattr(page, "to_png", lambda _: b"")  # drawn in seconds
    monkeypatch.setattr(run_cycles, "cycle_forecast_model", lambda _: Persistence(LAYOUT))
    monkeypatch.setattr(score_runs, "configured_forecast_model", lambda _: Persistence(LAYOUT))
    copy_files(cycled, tmp_path)
    return RunFolder(tmp_path)


def test_where_no_forecast_fits_into_the_period_that_is_told_and_the_rest_is_scored(
    folder: RunFolder, caplog: pytest.LogCaptureFixture
) -> None:
    long = CONFIG.verification.model_copy(update={"forecast_lead_hours": (24, 4800)})
    config = CONFIG.model_copy(update={"verification": long})
    with caplog.at_level(logging.WARNING):
        path = score_runs.score_runs(config, folder.root, ["main"])
    assert "main: no forecast of 4800 h from one of its analyses ends before" in caplog.text
    assert path.exists()
    rows = pd.read_csv(folder.report / "cycle_scores.csv")
    assert set(rows["product"]) == {"background", "analysis"}


def named_after_settings(run: Run, _: object) -> HtmlReport:
    """Stands for a report, which takes seconds to compose."""
    return HtmlReport(f"forecasts of every analysis {run.config.verification.forecast_every}")


def test_a_report_with_other_settings_keeps_the_one_before_and_tells_it(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(score_runs, "compose_report", named_after_settings)
    first = score_runs.score_runs(CONFIG, folder.root, ["main"])
    text = first.read_text()
    assert "kept in" not in capsys.readouterr().out
    score_runs.score_runs(CONFIG, folder.root, ["main"])
    assert "brings up to date the report of the same runs" in capsys.readouterr().out
    score_runs.score_runs(
        with_overrides(CONFIG, ["verification.forecast_every=1"]), folder.root, ["main"]
    )
    told = capsys.readouterr().out
    kept = folder.report / "earlier" / "1"
    assert f"the report that was there is kept in {kept}" in told
    assert "verification.forecast_every: stored 2, now 1" in told
    assert (kept / "report.html").read_text() == text
    assert (kept / "cycle_scores.csv").exists()


def test_commands_score_with_what_the_cycles_were_made_with_and_end_with_the_next_one(
    folder: RunFolder,
) -> None:
    shared = ["--run", str(folder.root)]
    scored = CliRunner().invoke(with_data(), ["verify", *shared, "--json"])
    found = json.loads(scored.stdout)
    assert found["cycles"] == {"main": 2}
    (cost,) = found["costs"]
    assert (cost["method"], cost["cycles"], cost["processes"]) == ("main", 2, 1)
    assert cost["cpu_seconds"] > 0
    assert {row["product"] for row in found["scores"]} >= {"analysis", "forecast 6 h"}
    told = scored.stderr
    assert f"the configuration is that of the cycles 'main' of {folder.root}" in told
    assert f"report: {folder.report / 'report.html'}" in told
    assert f"in {folder.root}\n" in told
    assert told.endswith(
        "align-da: missing next: nothing; cycles can follow\n"
        f"  align-da cycle --name main --cycles MORE --run {folder.root}\n"
    )
    watched = CliRunner().invoke(with_data(), ["monitor", *shared, "--json"])
    assert json.loads(watched.stdout)["alerts"] == []
    longer = CliRunner().invoke(with_data(), ["cycle", *shared, "--cycles", "3"])
    assert longer.exit_code == 0
    assert "  cycle.cycles: stored 2, now 3\n" in longer.stderr
    assert f"  align-da verify --name main --run {folder.root}\n" in longer.stderr
    fewer = CliRunner().invoke(with_data(), ["cycle", *shared, "--cycles", "2"])
    assert isinstance(fewer.exception, ConfigError)
    again = CliRunner().invoke(with_data(), ["cycle", *shared])
    assert again.exit_code == 0
    assert len(read_ledger(ledger_path(folder.cycles("main"))).cycles) == 3
