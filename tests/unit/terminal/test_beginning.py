"""What a command would not find is told before anything that computes is imported."""

import subprocess
import sys
from pathlib import Path

import pytest
from command_line import with_data
from typer.testing import CliRunner

from align_da.errors import StorageError
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import Stage
from align_da.storage.stages import run_stage
from align_da.terminal.beginning import begin_work
from align_da.terminal.last_line import forget

HEAVY = {"jax", "numpy", "pandas", "xarray", "zarr", "distributed", "matplotlib"}
SCRIPT = f"""
import shlex, sys
from align_da.cli.application import app
from align_da.errors import StorageError
from data_pipelines.cli import app as data
app.add_typer(data, name="data")
for command in sys.argv[1:]:
    try:
        app(shlex.split(command), standalone_mode=False)
    except StorageError as error:
        print(f"{{command}}: {{error}}", file=sys.stderr)
    assert not {HEAVY} & {{*sys.modules}}, (command, {HEAVY} & {{*sys.modules}})
"""
COMMANDS = (
    *("data backgrounds", "data coarse", "data closed_loop", "data rounds"),
    "data cycled --set cycled_backgrounds.segments=1",
    *("data statistics", "data report", "data export-observations --to observations.nc"),
    *("train autoencoder", "train denoiser", "train covariance", "train model_error"),
    *("train correction", "align leads", "align candidates", "align aligned", "align compare"),
    *("benchmark", "downscale", "verify", "monitor", "export --to analyses.nc"),
    *("cycle", "cycle --set cycle.correction_share=1"),
)


def run_alone(folder: Path, *commands: str) -> subprocess.CompletedProcess[str]:
    """The commands, one after another, in a process that has imported nothing yet."""
    call = [sys.executable, "-c", SCRIPT, *commands]
    return subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False)


def test_a_run_that_is_not_there_is_told_by_every_command_before_it_imports_what_computes(
    tmp_path: Path,
) -> None:
    ended = run_alone(tmp_path, *COMMANDS, "list nowhere", "inspect nowhere")
    assert ended.returncode == 0, ended.stderr
    told = ended.stderr.splitlines()
    assert len(told) == len(COMMANDS) + 2
    assert all(": expected " in line and "found no" in line for line in told)
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_listed_without_what_computes(tmp_path: Path) -> None:
    run_stage(RunFolder(tmp_path), Stage("other", [], [], []), lambda: None)
    ended = run_alone(tmp_path, f"list {tmp_path}")
    assert ended.returncode == 0, ended.stderr
    assert "other          done" in ended.stdout


def test_a_missing_stage_is_told_with_the_command_that_makes_it(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.truth.mkdir(parents=True)
    missing = (
        r"expected the finished stage 'autoencoder' in .*: run it first, align-da train "
        rf"autoencoder --run {folder.root} --set denoiser.width=16$"
    )
    override = ["denoiser.width=16", "cycled_backgrounds.segments=0"]
    with pytest.raises(StorageError, match=missing.replace("16$", "16 --set .*segments=0$")):
        begin_work("train denoiser", folder.root, None, override)


def test_cycles_that_are_not_there_are_told_by_those_who_score_them(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.truth.mkdir()
    with pytest.raises(StorageError, match=r"the cycles 'other' .* align-da cycle --name other"):
        begin_work("verify", tmp_path, None, None, ["other"])


def test_a_command_that_finds_all_begins(tmp_path: Path) -> None:
    assert begin_work("data truth", tmp_path, None, ["seed=3"]).seed == 3
    result = CliRunner().invoke(with_data(), ["parts"])
    assert "done in" not in result.stderr
    forget()
