"""What the command line says when something is wrong, and with which exit code."""

import json
import os
import shlex
import subprocess
import sys
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from command_line import with_data
from typer.main import get_command
from typer.testing import CliRunner

from align_da.cli import application
from align_da.config import load_config
from align_da.config.table import table_of
from align_da.errors import ConfigError
from align_da.runs.work import command_of, in_full
from align_da.storage.checkpoints import save_weights
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import Stage
from align_da.storage.stages import run_stage
from align_da.terminal.option_values import as_given

STAGES = (
    *("truth", "backgrounds", "statistics", "autoencoder", "cycled", "denoiser", "covariance"),
    *("model_error", "candidates", "aligned", "continued", "supervised", "observations"),
    *("closed_loop_0", "correction_0"),
)
ROOT = Path(__file__).parents[3]
COMMAND = Path(sys.executable).with_name("align-da")


@pytest.mark.parametrize(
    "command",
    [
        "data",
        "train",
        "align",
        "benchmark",
        "config",
        "cycle",
        "verify",
        "monitor",
        "demo",
        "explain",
        "impact",
        "inspect",
        "list",
        "parts",
    ],
)
def test_every_command_helps_with_an_example(command: str) -> None:
    result = CliRunner().invoke(with_data(), [command, "--help"])
    assert result.exit_code == 0
    assert "Example: align-da" in result.stdout.replace("\n", " ")


def test_help_does_not_import_jax() -> None:
    code = "import sys, align_da.cli, data_pipelines.cli; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_configuration_is_told_without_jax() -> None:
    code = (
        "import sys, align_da.cli; align_da.cli.app(['config', 'letkf'], standalone_mode=False); "
        "sys.exit(bool({'jax', 'numpy', 'xarray'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "cycle.watchdog         What happens when the spread"),
        (("letkf",), "inflation = 1.6  # number above 0\n    Factor on the perturbations"),
        (
            ("letkf", "--set", "letkf.inflation=1.1"),
            "inflation = 1.1  # number above 0; default 1.6",
        ),
        (("letkf.inflation",), "Found by: rho."),
        (("--init",), "#inflation = 1.6  # number above 0"),
        (("--schema",), '"$schema": "https://json-schema.org/'),
        (("--markdown",), "| `inflation` | `1.6` | number above 0 | Factor on"),
    ],
)
def test_the_configuration_says_what_it_can_say(arguments: tuple[str, ...], told: str) -> None:
    result = CliRunner().invoke(with_data(), ["config", *arguments])
    assert (result.exit_code, result.stderr) == (0, "")
    assert told in result.stdout


def test_the_configuration_of_a_run_is_told_as_it_is_stored(tmp_path: Path) -> None:
    stored = table_of(load_config(None, ["letkf.inflation=1.25"]))
    run_stage(RunFolder(tmp_path), Stage("truth", [], [], [], stored), lambda: None)
    result = CliRunner().invoke(with_data(), ["config", "letkf.inflation", "--run", str(tmp_path)])
    assert "inflation = 1.25  # number above 0; default 1.6" in result.stdout
    assert (
        result.stderr
        == f"align-da: the configuration is that of the stage 'truth' of {tmp_path}\n"
    )


def test_parts_tells_of_what_cannot_be_used_and_other_commands_go_on(tmp_path: Path) -> None:
    folder = tmp_path / "broken-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(
        "[align_da.rewards]\nlost = nowhere:build\nwith blanks = json:loads\n"
        "[align_da.commands]\nmore = nowhere:app\n"
    )
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', ROOT)}"}
    parts, other = (
        subprocess.run(
            [COMMAND, *command], env=environment, capture_output=True, text=True, check=False
        )
        for command in (["parts"], ["cycle", "--help"])
    )
    assert parts.returncode == 2
    assert "  lost   (broken 1.0): CANNOT BE USED" in parts.stdout
    assert "CANNOT BE USED: 'with blanks' of broken 1.0" in parts.stdout
    assert "Traceback" not in parts.stdout + parts.stderr
    assert other.returncode == 0
    assert "'more' of broken 1.0 cannot be imported" in other.stderr


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(with_data(), ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"align-da {version('align-da')}\n")


def test_a_run_is_listed_with_the_command_that_is_next_as_it_is_written_in_a_shell(
    tmp_path: Path,
) -> None:
    options = ["--set", "observations.operator=interpolation", "--json"]
    result = CliRunner().invoke(with_data(), ["list", str(tmp_path), *options])
    found = json.loads(result.stdout)
    assert {stage["state"] for stage in found["stages"]} == {"missing"}
    assert found["missing"] == "the stage truth"
    shared = f"--run {shlex.quote(str(tmp_path))} --set observations.operator=interpolation"
    assert found["command"] == f"align-da data truth {shared}"


def test_a_run_that_was_stopped_in_its_first_stage_is_listed_as_it_was_begun(
    tmp_path: Path,
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    mine = table_of(load_config(None, ["world.model=lorenz96"]))
    with pytest.raises(KeyboardInterrupt):
        run_stage(RunFolder(tmp_path), Stage("truth", [], [], [], mine), interrupt)
    listed = CliRunner().invoke(with_data(), ["list", str(tmp_path)])
    assert "the stage 'truth'" in listed.stderr
    command = shlex.split(listed.stdout.splitlines()[-1])
    assert command == ["align-da", "data", "truth", "--run", str(tmp_path)]
    foretold = CliRunner().invoke(with_data(), [*command[1:], "--dry-run"])
    assert "which has begun" in foretold.stderr
    told = CliRunner().invoke(with_data(), ["config", "world.model", "--run", str(tmp_path)])
    assert 'model = "lorenz96"' in told.stdout


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
@pytest.mark.parametrize(
    ("key", "told"),
    [("cycle.members=1401", "at most 1400 members"), ("cycle.window_hours=3", "step_hours = 6")],
)
def test_cycles_that_do_not_fit_to_the_run_are_refused_by_a_dry_run_too(
    key: str, told: str, more: list[str], tmp_path: Path
) -> None:
    command = ["cycle", "--run", str(tmp_path), "--set", key, *more]
    result = CliRunner().invoke(with_data(), command)
    assert isinstance(result.exception, ConfigError)
    assert told in str(result.exception)


def options_of(command: str) -> set[str]:
    """Every option of a command of `align-da`."""
    found = get_command(with_data())
    for name in command.split():
        found = getattr(found, "commands", {}).get(name, found)
    return {option for parameter in found.params for option in parameter.opts}


@pytest.mark.parametrize("stage", STAGES)
def test_a_command_is_proposed_with_options_that_it_has(stage: str, tmp_path: Path) -> None:
    command = command_of(RunFolder(tmp_path), stage)
    given = as_given(tmp_path, Path("rep.toml"), ["cycle.cycles=8"])
    _, *proposed = shlex.split(in_full(command, given))
    asked = {word for word in proposed if word.startswith("--")}
    assert asked == options_of(command) & {"--run", "--config", "--set"}
    assert proposed[-2:] == ["--set", "cycle.cycles=8"] or stage == "observations"


def test_reports_that_cycles_miss_are_asked_for_by_a_command_that_can_be_given(
    tmp_path: Path,
) -> None:
    folder = RunFolder(tmp_path)
    run_stage(folder, Stage("backgrounds", [], [], []), lambda: None)
    file = tmp_path / "rep.toml"
    file.write_text("[reports]\n[cycle]\nmethod = 'letkf'\n")
    shared = ["--run", str(tmp_path), "--config", str(file), "--set", "cycle.cycles=8"]
    foretold = CliRunner().invoke(with_data(), ["cycle", *shared, "--dry-run"])
    folder.truth.mkdir()
    refused = CliRunner().invoke(with_data(), ["cycle", *shared])
    told = [*foretold.stdout.splitlines(), str(refused.exception)]
    command = f" align-da data observations FILES --run {tmp_path}"
    assert len([line for line in told if line.endswith(command)]) == 2


def test_what_is_inspected_is_told_as_json_too(tmp_path: Path) -> None:
    for name in ("one", "two"):
        save_weights(tmp_path / "weights" / name, {"a": np.ones(3, np.float32)}, {})
    (tmp_path / "weights" / "two" / "digests.json").write_text("{}")
    result = CliRunner().invoke(with_data(), ["inspect", str(tmp_path), "--json"])
    found = json.loads(result.stdout)
    assert (result.exit_code, found["whole"]) == (4, False)
    first, second = found["parts"]
    assert first["path"] == str(tmp_path / "weights" / "one")
    assert (first["what"], first["whole"]) == ("1 arrays, 3 numbers, 12 bytes", True)
    assert (second["what"], second["whole"]) == ("DAMAGED", False)
    assert second["told"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_output_that_finds_no_space_is_told_with_the_code_of_storage() -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [COMMAND, "parts"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert result.returncode == 4
    assert "No space left on device: free some space" in result.stderr
    assert "Traceback" not in result.stderr


def test_processes_that_nobody_has_started_are_told_by_whom_they_would_be(tmp_path: Path) -> None:
    """In a process where JAX has computed nothing."""
    folder = RunFolder(tmp_path)
    folder.truth.mkdir()
    for name in ("autoencoder", "cycled"):
        run_stage(folder, Stage(name, [], [], []), lambda: None)
    before = sorted(tmp_path.rglob("*"))
    command = [COMMAND, "train", "denoiser", "--distributed", "--run", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2, result.stderr
    assert "SLURM" in result.stderr
    assert "Traceback" not in result.stderr
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("train", "denoiser", "--set", "denoiser.widht=3"), 2, "did you mean 'denoiser.width'"),
        (("cycle", "--config", "nowhere.toml"), 2, "nowhere.toml"),
        (("cycle", "--set", "cycle.members=0"), 2, "cycle.members"),
        (("train", "nothing"), 2, "nothing"),
        (("train", "denoiser", "--process-id", "1"), 2, "--num-processes not given"),
        (("train", "covariance", "--tensor", "2"), 2, "by one process"),
        (("align", "leads", "--distributed"), 2, "by one process"),
        (("fly",), 2, "No such command"),
        (("config", "letkf.rtps"), 2, "did you mean 'letkf.relaxation'"),
        (("config", "letkf", "--set", "letkf.radius=3"), 2, "did you mean 'letkf.radius_km'"),
        (("config", "--init", "--schema"), 2, "expected --init, --schema or --markdown alone"),
        (("config", "letkf", "--init"), 2, "expected --init, --schema or --markdown alone"),
        (("train", "autoencoder"), 4, "truth.zarr"),
        (("verify",), 4, "truth.zarr"),
        (("inspect", "nowhere"), 4, "nowhere"),
        (("list", "nowhere"), 4, "nowhere"),
        (("explain", "nowhere", "--cycle", "0", "--station", "7"), 4, "truth.zarr"),
        (("impact", "nowhere"), 4, "truth.zarr"),
        (("impact", "nowhere", "--cycles", "9:4"), 2, "FIRST:END such as 8:40"),
        (("impact", "nowhere", "--cycles", "all"), 2, "FIRST:END such as 8:40"),
        (("explain", "nowhere", "--cycle", "-1", "--station", "7"), 2, "--cycle"),
    ],
)
def test_a_mistake_is_one_line_and_an_exit_code(
    arguments: tuple[str, ...],
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without a process of its own, which takes a second; those above have one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["align-da", *arguments])
    monkeypatch.setattr(application, "settle_environment", list)
    monkeypatch.setattr(application, "add_brought_commands", lambda app: with_data())
    monkeypatch.setattr(application, "interruptible", nullcontext)
    monkeypatch.setattr(application, "tell_warnings", lambda: None)
    with pytest.raises(SystemExit) as ended:
        application.main()
    assert ended.value.code == code
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
