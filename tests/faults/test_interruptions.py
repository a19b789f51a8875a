"""Row 3, by the commands: Ctrl-C restores the terminal, ends workers, and says how to go on."""

import os
import pty
import shutil
import signal
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from time import sleep

import pytest
from cycled_world import WORLD, make_cycled_world
from hurt import complete_cycles
from interrupted_commands import interrupted
from test_full_disk import content_of

from align_da.storage.run_folder import RunFolder
from align_da.storage.verification import verify_store

HIDDEN, SHOWN = b"\x1b[?25l", b"\x1b[?25h"  # the cursor of a terminal
SETTINGS = f"""{WORLD}
[three_d_var]
modes = 4
outer = 1
inner = 2
[cycle]
method = "three_d_var"
members = 2
cycles = 3
[verification]
forecast_lead_hours = [6]
forecast_every = 2
[autoencoder]
width = 4
depth = 1
latent_channels = 4
training = {{ steps = 2, batch_size = 2, warm_up_steps = 1, validate_every = 1 }}
"""
Begin = Callable[..., ForkServerProcess]


@pytest.fixture(scope="module")
def cycled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world with two of three cycles; never changed."""
    return make_cycled_world(tmp_path_factory.mktemp("world")).root


@pytest.fixture
def run(cycled: Path, tmp_path: Path) -> RunFolder:
    """A copy, with a configuration."""
    (tmp_path / "run.toml").write_text(SETTINGS)
    return RunFolder(shutil.copytree(cycled, tmp_path / "run"))


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    """The side of a terminal that a user sees, and the path of the other."""
    seen, used = pty.openpty()
    yield seen, os.ttyname(used)
    os.close(seen)
    os.close(used)


@pytest.fixture
def begin(
    children: ForkServerContext, terminal: tuple[int, str], run: RunFolder, tmp_path: Path
) -> Begin:
    """Start a command in a process of its own and wait until it works."""

    def start(command: str, seconds: float, **options: bool) -> ForkServerProcess:
        begun = tmp_path / "begun"
        shared = ["--run", str(run.root), "--config", str(tmp_path / "run.toml")]
        arguments = ([*command.split(), *shared], terminal[1], begun, seconds)
        child = children.Process(target=interrupted, args=arguments, kwargs=options)
        child.start()
        while not begun.exists():
            assert child.is_alive(), told(terminal[0])
            sleep(0.01)
        return child

    return start


def told(terminal: int) -> bytes:
    """What a terminal shows."""
    os.set_blocking(terminal, False)
    found = b""
    try:
        while part := os.read(terminal, 2**16):
            found += part
    except OSError:
        return found
    return found


def check_end(child: ForkServerProcess, command: str, shown: bytes, run: Path) -> None:
    """The exit code, the line that says how to go on, and the cursor."""
    assert child.exitcode == 130
    text = b" ".join(shown.split()).decode()
    assert f"this goes on: align-da {command} --run {run}" in text
    assert "Traceback" not in text
    assert shown.rfind(SHOWN) > shown.rfind(HIDDEN) >= 0


@pytest.mark.parametrize(
    "command", ["data backgrounds --workers 1", "train autoencoder", "verify --name main"]
)
def test_row_3_a_command_that_is_interrupted_ends_at_once_and_leaves_what_was_there(
    command: str, begin: Begin, run: RunFolder, terminal: tuple[int, str]
) -> None:
    if command.startswith("data"):
        (run.stages / "backgrounds.json").unlink()
    before = content_of(run.root)
    child = begin(command, seconds=60.0)
    os.kill(child.pid, signal.SIGINT)
    child.join(30)
    check_end(child, command, told(terminal[0]), run.root)
    assert content_of(run.root) == before
    assert not list(run.root.rglob("*.lock"))


def test_row_3_cycles_that_are_interrupted_end_after_the_one_in_hand(
    begin: Begin, run: RunFolder, terminal: tuple[int, str]
) -> None:
    child = begin("cycle --name second", seconds=0.5)
    os.kill(child.pid, signal.SIGINT)
    child.join(60)
    check_end(child, "cycle --name second", told(terminal[0]), run.root)
    assert complete_cycles(run.cycles("second")) < 3
    assert verify_store(run.cycles("second")) == ()


def test_row_3_a_second_ctrl_c_ends_a_command_that_hears_nothing(
    begin: Begin, run: RunFolder, terminal: tuple[int, str]
) -> None:
    child, shown = begin("train autoencoder", seconds=60.0, deaf=True), b""
    os.kill(child.pid, signal.SIGINT)
    while b"Ctrl-C again" not in shown:
        assert child.is_alive()
        shown += told(terminal[0])
        sleep(0.01)
    os.kill(child.pid, signal.SIGINT)
    child.join(20)
    check_end(child, "train autoencoder", shown + told(terminal[0]), run.root)
