"""A training that is spread over devices ends as one that was not; kills are in tests/faults."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

PROGRAM = Path(__file__).with_name("tiny.py")


def train(folder: Path, *arguments: str, devices: int) -> dict[str, np.ndarray]:
    folder.mkdir()
    flags = f"--xla_force_host_platform_device_count={devices}"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, str(PROGRAM), str(folder), *arguments]
    subprocess.run(command, env=environment, check=True)
    with np.load(folder / "result.npz") as result:
        return dict(result)


def test_eight_devices_train_like_one(tmp_path: Path) -> None:
    one = train(tmp_path / "one", devices=1)
    split = train(tmp_path / "split", "split", devices=8)
    assert one.keys() == split.keys()
    for name, expected in one.items():
        np.testing.assert_allclose(split[name], expected, rtol=1e-5, atol=1e-5, err_msg=name)
