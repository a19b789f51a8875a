"""Row 7, command by command: a full disk ends each with exit code 4, and leaves nothing behind.

Each command meets it where its inputs are made, and then does its work with space again.
"""

import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from command_line import align_da
from cycled_world import CONFIG, LAYOUT, make_world
from persistence import Persistence
from pipelines.test_coarse_backgrounds import LAYOUT as COARSE_LAYOUT
from pipelines.test_coarse_backgrounds import write_truth
from small_commands import WORLD
from test_full_disk import content_of, full_disk
from typer import Typer

from align_da.atmosphere import State
from align_da.cli import demonstration
from align_da.config import load_config
from align_da.config.table import with_overrides
from align_da.errors import StorageError
from align_da.forecast import Lorenz96ForecastModel
from align_da.stages import downscale, run_cycles, score_runs
from align_da.stages.estimate_covariance import estimate_covariance
from align_da.stages.export_analyses import export_analyses
from align_da.stages.monitor_observations import monitor_observations
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import Stage
from align_da.storage.stages import run_stage
from align_da.verification.report.page import HtmlReport, ReportFigure, Section
from align_da.verification.score_table import ROW_COLUMNS
from data_pipelines import model_run, world_report

LIMIT = 200  # bytes of a file: locks fit
REPORTS = """value,error,latitude,longitude,level,time,vertical,variable,station_id,type,flag
280.0,1.0,50.0,10.0,50000.0,2020-01-01T00:00:00,level,temperature,a,radiosonde,pass
"""
REPORT = HtmlReport(
    "Verification",
    sections=[
        Section(
            "Maps",
            figures=[ReportFigure(f"map_{number}", "", bytes(5 * LIMIT)) for number in range(3)],
        )
    ],
)
Figure = Callable[[str], None]

# Where a write of Orbax fails, those beside it end after the loop that waited for them.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Error (writing|reading) persistent compilation cache"),
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. None:pytest.PytestUnraisableExceptionWarning"
    ),
]


def ends_with_nothing_left(
    name: str,
    folder: Path,
    command: Callable[[], object],
    figure: Figure,
    limit: int = LIMIT,
) -> None:
    """The command on a full disk, and then with space."""
    before = content_of(folder)
    with (
        redirect_stdout(io.StringIO()),  # pytest would keep it in a file
        redirect_stderr(io.StringIO()),
        full_disk(limit),
        pytest.raises(StorageError, match="bytes free") as told,
    ):
        command()
    assert told.value.exit_code == 4
    assert content_of(folder) == before
    assert not list(folder.rglob("*.lock"))
    command()
    assert content_of(folder) != before
    figure(f"{name}: told, nothing left")


def export_observations(folder: RunFolder) -> object:
    to = folder.root / "reports.nc"
    return align_da(f"data export-observations --to {to}", folder.root)


CYCLED: dict[str, Callable[[RunFolder], object]] = {
    "cycle": lambda folder: run_cycles.run_cycles(CONFIG, folder.root, "second"),
    "cycle --cycles": lambda folder: run_cycles.run_cycles(
        with_overrides(CONFIG, ["cycle.cycles=3"]), folder.root, "main", extend=True
    ),
    "verify": lambda folder: score_runs.score_runs(CONFIG, folder.root, ["main"]),
    "monitor": lambda folder: monitor_observations(CONFIG, folder.root, "main"),
    "export": lambda folder: export_analyses(
        folder.root, "main", "analysis", folder.root / "main.nc"
    ),
    "data export-observations": export_observations,
    "train covariance": lambda folder: estimate_covariance(
        CONFIG.model_copy(update={"seed": 7}), folder.root
    ),
}


@pytest.fixture(scope="module")
def cycled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunFolder]:
    """A run with two cycles."""
    folder = make_world(tmp_path_factory.mktemp("world"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_cycles, "cycle_forecast_model", lambda _: Persistence(LAYOUT))
        patch.setattr(score_runs, "configured_forecast_model", lambda _: Persistence(LAYOUT))
        patch.setattr(score_runs, "compose_report", lambda *_: REPORT)  # composed in seconds
        assert run_cycles.run_cycles(CONFIG, folder.root, "main") == 0
        yield folder


@pytest.mark.parametrize("name", CYCLED)
def test_row_7_a_full_disk_ends_a_command_on_cycles(
    name: str, cycled: RunFolder, tmp_path: Path, figure: Figure
) -> None:
    folder = RunFolder(shutil.copytree(cycled.root, tmp_path / "run"))
    if name == "train covariance":
        shutil.rmtree(folder.root / "weights")
        (folder.stages / "covariance.json").unlink()
    ends_with_nothing_left(name, folder.root, lambda: CYCLED[name](folder), figure)


class Circle(Lorenz96ForecastModel):
    """Lorenz-96 that knows a start."""

    def start(self) -> State:
        values = 8.0 + jax.random.normal(jax.random.key(0), (1, *self.layout.shape))
        return State(values, self.layout)


def test_row_7_a_full_disk_ends_the_commands_that_make_a_world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    monkeypatch.setattr(model_run, "configured_forecast_model", lambda _: Circle())
    monkeypatch.setattr(world_report, "world_report", lambda *_: "what the world is like\n" * 20)
    (tmp_path / "world.toml").write_text(WORLD)
    run = tmp_path / "run"
    run.mkdir()
    for command in (
        "data truth",
        "data backgrounds --workers 1",
        "data statistics --workers 1",
        f"data report --out {run / 'world.md'}",
    ):
        ends_with_nothing_left(
            command, run, lambda it=command: align_da(it, run, tmp_path / "world.toml"), figure
        )


def test_row_7_a_full_disk_ends_the_reading_of_observations(
    tmp_path: Path, figure: Figure
) -> None:
    file, run = tmp_path / "reports.csv", tmp_path / "run"
    file.write_text(REPORTS)
    run.mkdir()
    command = f"data observations {file}"
    ends_with_nothing_left(command, run, lambda: align_da(command, run), figure)


def test_row_7_a_full_disk_ends_the_demonstration_where_it_installs_the_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    monkeypatch.setattr(demonstration, "_COMMANDS", ())  # which are tried above
    run = tmp_path / "run"
    run.mkdir()
    install = partial(demonstration.demonstrate, run, Typer())
    ends_with_nothing_left("demo", run, install, figure, limit=0)


COARSE = """[world]
spin_up_days = 1
train_days = 12
validation_days = 2
test_days = 2
[backgrounds]
lead_hours = [6]
train_starts = 40
validation_starts = 4
test_starts = 4
[cycled_backgrounds]
segments = 0
[coarse_map]
latitudes = 4
longitudes = 8
[downscaling]
priors = ["static"]
"""
"""The configuration of tests/pipelines/test_coarse_backgrounds.py, as a file."""


def found(*_: object) -> tuple[pd.DataFrame, list[tuple[np.datetime64, State]]]:
    """Scores of two methods at two dates, and the analyses of one."""
    dates = np.datetime64("2000-01-05", "ns") + np.arange(2) * np.timedelta64(6, "h")
    methods = (downscale.REFERENCE, "corrected")
    rows = [(date, name, "grid", "T", "rmse", 1.0) for date in dates for name in methods]
    state = State(jnp.ones((2, *COARSE_LAYOUT.shape)), COARSE_LAYOUT)
    return pd.DataFrame(rows, columns=list(ROW_COLUMNS)), [(date, state) for date in dates]


def test_row_7_a_full_disk_ends_the_commands_that_downscale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    """What the methods are and score has tests of its own; what is written is the command's."""
    monkeypatch.setattr(downscale, "experiments_of", lambda _: {})
    monkeypatch.setattr(downscale, "score_dates", found)
    folder, config = RunFolder(tmp_path / "run"), tmp_path / "coarse.toml"
    config.write_text(COARSE)
    truth = Stage("truth", [], [], [folder.truth])
    run_stage(folder, truth, lambda: write_truth(load_config(config), folder.root))
    for command in ("data coarse", "downscale"):
        ends_with_nothing_left(
            command, folder.root, lambda it=command: align_da(it, folder.root, config), figure
        )
