"""A training that is killed, resumed or spread over devices ends as one that was not."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

PROGRAM = Path(__file__).with_name("tiny.py")


def start(folder: Path, *arguments: str, devices: int = 1) -> subprocess.Popen[str]:
    flags = f"--xla_force_host_platform_device_count={devices}"
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), str(folder), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
    )


def run_to_end(folder: Path, *arguments: str, devices: int = 1) -> dict[str, np.ndarray]:
    with start(folder, *arguments, devices=devices) as process:
        process.communicate()
    assert process.returncode == 0
    with np.load(folder / "result.npz") as result:
        return dict(result)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    return run_to_end(tmp_path_factory.mktemp("whole"))


@pytest.mark.slow
def test_killed_training_ends_with_the_same_bits(
    tmp_path: Path, uninterrupted: dict[str, np.ndarray]
) -> None:
    """Killed (-9) between checkpoints, in the second interval and in the fourth."""
    for last_seen in (13, 27):
        with start(tmp_path) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if int(line.split()[1]) >= last_seen:
                    process.kill()
                    break
        assert process.returncode == -9
        assert not (tmp_path / "result.npz").exists()
    resumed = run_to_end(tmp_path)
    assert resumed.keys() == uninterrupted.keys()
    for name, expected in uninterrupted.items():
        assert resumed[name].tobytes() == expected.tobytes(), name


def test_eight_devices_train_like_one(
    tmp_path: Path, uninterrupted: dict[str, np.ndarray]
) -> None:
    split = run_to_end(tmp_path, "split", devices=8)
    for name, expected in uninterrupted.items():
        np.testing.assert_allclose(split[name], expected, rtol=1e-5, atol=1e-5, err_msg=name)
