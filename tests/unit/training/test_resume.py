"""A training that is spread over devices ends as one that was not; kills are in tests/faults."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from unit.training import tiny

from align_da.errors import InputError, WorkerError

PROGRAM = Path(__file__).with_name("tiny.py")
DEVICES = "--xla_force_host_platform_device_count="


def begin(folder: Path, devices: int, *arguments: object) -> subprocess.Popen[bytes]:
    folder.mkdir(exist_ok=True)
    flags = f"{os.environ.get('XLA_FLAGS', '')} {DEVICES}{devices}".strip()
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), str(folder), *map(str, arguments)], env=environment
    )


def result_of(folder: Path, process: int = 0) -> dict[str, np.ndarray]:
    with np.load(folder / f"result_{process}.npz") as result:
        return dict(result)


def trained(folder: Path) -> dict[str, np.ndarray]:
    """What a training on one device ends with, in the process of the test."""
    tiny.save_result(tiny.train(folder), folder)
    return result_of(folder)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def check_same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5, atol=1e-5, err_msg=name)


def ends(processes: list[subprocess.Popen[bytes]]) -> list[int]:
    """Their exit codes; none may wait for another that is gone."""
    try:
        return [process.wait(60) for process in processes]
    finally:
        for process in processes:
            process.kill()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """What one device ends with."""
    return trained(tmp_path_factory.mktemp("alone"))


@pytest.mark.parametrize("tensor", [1, 4])
def test_eight_devices_train_like_one(
    tensor: int, alone: dict[str, np.ndarray], tmp_path: Path
) -> None:
    assert begin(tmp_path, 8, tensor).wait() == 0
    check_same(result_of(tmp_path), alone)


def test_two_processes_train_like_one_and_keep_one_set_of_checkpoints(
    alone: dict[str, np.ndarray], tmp_path: Path
) -> None:
    address = f"127.0.0.1:{free_port()}"
    assert ends([begin(tmp_path, 4, 2, address, 2, process) for process in range(2)]) == [0, 0]
    for process in range(2):
        check_same(result_of(tmp_path, process), alone)
    check_same(trained(tmp_path), alone)  # goes on from the last checkpoint, whole as it is


def test_a_process_that_is_killed_ends_the_other(tmp_path: Path) -> None:
    """That the same command goes on is in tests/end_to_end/test_processes.py."""
    address = f"127.0.0.1:{free_port()}"
    killed = begin(tmp_path, 1, 1, address, 2, 1, 20)
    code, of_killed = ends([begin(tmp_path, 1, 1, address, 2, 0), killed])
    assert of_killed == -signal.SIGKILL
    assert code in {WorkerError.exit_code, -signal.SIGABRT}  # JAX may notice before the step does
    assert (tmp_path / "step_00000016").exists()
    assert not list(tmp_path.glob("result_*"))


def test_processes_that_were_told_different_things_do_not_train(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    processes = [begin(tmp_path, 1, 1 + process, address, 2, process) for process in range(2)]
    assert ends(processes) == [InputError.exit_code] * 2
    assert not list(tmp_path.iterdir())
