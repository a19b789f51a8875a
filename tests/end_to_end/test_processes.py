"""A training of several processes by the command, on a synthetic truth of toy size."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from time import sleep

import numpy as np
import pytest
from pipelines.test_coarse_backgrounds import CONFIG, write_truth

from align_da.errors import StorageError, WorkerError
from align_da.storage.lock import owned
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import Stage, digest_of_stage
from align_da.storage.stages import run_stage
from align_da.storage.verified_arrays import read_arrays

COMMAND = Path(sys.executable).with_name("align-da")
SETTINGS = Path(__file__).with_name("downscaling.toml")
TRAINING = {"steps": 20, "validate_every": 5, "patience": 100}
NAME = "autoencoder"

pytestmark = [pytest.mark.chain, pytest.mark.timeout(900)]


def start(what: str, folder: Path, *options: object, devices: int = 1) -> subprocess.Popen[str]:
    """A command that has the devices and no file that another process has compiled."""
    flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count={devices}"
    settings = [f"--set=autoencoder.training.{key}={value}" for key, value in TRAINING.items()]
    return subprocess.Popen(
        [COMMAND, *what.split(), f"--run={folder}", f"--config={SETTINGS}", *settings]
        + [str(option) for option in options],
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )


def start_two(*folders: Path) -> list[subprocess.Popen[str]]:
    """Two processes that train together, each with a run folder."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{found.getsockname()[1]}"
    shared = (f"--coordinator-address={address}", "--num-processes=2")
    return [
        start(f"train {NAME}", folder, *shared, f"--process-id={process}")
        for process, folder in enumerate(folders)
    ]


def ends(processes: list[subprocess.Popen[str]]) -> tuple[list[int], list[str]]:
    """Their exit codes, and what they have told; none may wait for another that is gone."""
    try:
        told = [process.communicate(timeout=300)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [process.returncode for process in processes], told


def files_of(folder: Path) -> set[Path]:
    """All but arrays, whose names differ each time."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path for path in found if "arrays" not in path.parts}


def check_same_weights(folder: Path, expected: Path) -> None:
    for name in (NAME, "representation"):
        found, _ = read_arrays(RunFolder(folder).weights(name))
        wanted, _ = read_arrays(RunFolder(expected).weights(name))
        assert found.keys() == wanted.keys()
        for leaf, value in wanted.items():
            np.testing.assert_array_equal(found[leaf], value, err_msg=leaf)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder that is ready for training."""
    path = tmp_path_factory.mktemp("processes") / "world"
    run_stage(RunFolder(path), Stage("truth", [], [], []), lambda: write_truth(CONFIG, path))
    for command in ("data coarse", "data statistics"):
        assert ends([start(command, path)])[0] == [0]
    return path


@pytest.fixture(scope="module")
def trained(world: Path) -> Path:
    """What one process with two devices has left."""
    folder = shutil.copytree(world, world.with_name("trained"))
    assert ends([start(f"train {NAME}", folder, devices=2)])[0] == [0]
    return folder


def test_two_processes_train_to_the_bits_of_one_and_only_the_first_writes(
    world: Path, trained: Path
) -> None:
    """The second has a folder of its own, in which it may only read."""
    folders = [shutil.copytree(world, world.with_name(name)) for name in ("first", "second")]
    assert ends(start_two(*folders))[0] == [0, 0]
    check_same_weights(folders[0], trained)
    digests = [digest_of_stage(RunFolder(path), NAME) for path in (folders[0], trained)]
    assert digests[0] == digests[1]
    assert files_of(folders[0]) == files_of(trained)
    assert files_of(folders[1]) == files_of(world)


@pytest.mark.parametrize(("killed", "number"), [(0, signal.SIGKILL), (1, signal.SIGTERM)])
def test_a_training_goes_on_with_the_same_bits_when_one_of_its_processes_was_ended(
    killed: int, number: signal.Signals, world: Path, trained: Path
) -> None:
    folder = shutil.copytree(world, world.with_name(f"ended_{killed}"))
    processes = start_two(folder, folder)
    while not (RunFolder(folder).checkpoints(NAME) / "step_00000010").exists():
        assert [process.poll() for process in processes] == [None, None]
        sleep(0.01)
    processes[killed].send_signal(number)
    codes, told = ends(processes)
    assert codes[killed] == -number
    # JAX aborts a process where it sees the end of another before a step of the training does.
    assert codes[1 - killed] in {WorkerError.exit_code, -signal.SIGABRT}, told
    assert not (folder / "stages" / f"{NAME}.json").exists()
    codes, told = ends(start_two(folder, folder))
    assert codes == [0, 0], told
    check_same_weights(folder, trained)


def test_a_stage_has_one_owner_and_an_error_of_the_first_ends_the_second(world: Path) -> None:
    folder = shutil.copytree(world, world.with_name("owned"))
    with owned(folder / "stages" / f"{NAME}.lock"):
        codes, told = ends(start_two(folder, folder))
    assert codes[0] == StorageError.exit_code
    assert "owned by another process" in told[0]
    assert codes[1] in {WorkerError.exit_code, -signal.SIGABRT}, told[1]
