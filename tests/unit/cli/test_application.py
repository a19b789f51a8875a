"""What the command line says when something is wrong, and with which exit code."""

import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("align-da")


def align_da(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "command",
    [
        "data",
        "train",
        "align",
        "benchmark",
        "cycle",
        "verify",
        "monitor",
        "demo",
        "inspect",
        "parts",
    ],
)
def test_every_command_helps_with_an_example(command: str) -> None:
    result = align_da(command, "--help")
    assert result.returncode == 0
    assert "Example: align-da" in result.stdout.replace("\n", " ")


def test_help_does_not_import_jax() -> None:
    code = "import sys, align_da.cli, data_pipelines.cli; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


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
        (("train", "denoiser", "--distributed"), 2, "SLURM"),
        (("fly",), 2, "No such command"),
        (("train", "autoencoder"), 4, "truth.zarr"),
        (("verify",), 4, "truth.zarr"),
        (("inspect", "nowhere"), 4, "nowhere"),
    ],
)
def test_a_mistake_is_one_line_and_an_exit_code(
    arguments: tuple[str, ...],
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = align_da(*arguments)
    assert result.returncode == code
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []
