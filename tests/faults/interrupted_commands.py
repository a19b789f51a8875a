"""Commands in a process of their own, with a terminal, held where they work until Ctrl-C comes."""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
from cycled_world import LAYOUT
from persistence import Persistence

from align_da.atmosphere import State
from align_da.cli.application import main
from align_da.parallel.progress import progress_bar
from align_da.stages import run_cycles, score_runs, training_stage
from data_pipelines import backgrounds


@dataclass(frozen=True)
class Held:
    """Where a command is held.

    Attributes:
        begun: a file that says that it has begun.
        seconds: for how long.
    """

    begun: Path
    seconds: float

    def __call__(self, *_: object, **__: object) -> None:
        """Work with a bar on the terminal."""
        with progress_bar() as bar:
            bar.add_task("work", total=2)
            self.wait()

    def wait(self) -> None:
        """Say that work has begun, and do nothing."""
        self.begun.touch()
        time.sleep(self.seconds)


@dataclass(frozen=True)
class Slow(Persistence):
    """A forecast model that takes its time."""

    held: Held | None = None

    def forecast(
        self,
        states: State,
        valid_time: np.datetime64,
        lead_hours: int,
        previous: State | None = None,
    ) -> State:
        if self.held is not None:
            self.held.wait()
        return states


def interrupted(
    command: Sequence[str], terminal: str, begun: Path, seconds: float, *, deaf: bool = False
) -> None:
    """A command of `align-da`, which is held where it works.

    Args:
        command: its words.
        terminal: path of the terminal that it writes to.
        begun: is there when it works.
        seconds: that it is held.
        deaf: whether Python hears no signal meanwhile, as in a call that compiles.
    """
    file = os.open(terminal, os.O_WRONLY | os.O_NOCTTY)
    for stream in (1, 2):
        os.dup2(file, stream)
    sys.stdout, sys.stderr = (os.fdopen(stream, "w", closefd=False) for stream in (1, 2))
    os.environ["TERM"] = "xterm"
    held = Held(begun, seconds)
    places: dict[str, tuple[object, str, Callable[..., object]]] = {
        "data": (backgrounds, "make_backgrounds", held),
        "train": (training_stage, "fit", held),
        "verify": (score_runs, "_score_run", held),
        "cycle": (run_cycles, "cycle_forecast_model", lambda _: Slow(LAYOUT, held=held)),
    }
    with ExitStack() as patches:
        patches.enter_context(patch.object(*places[command[0]]))
        if deaf:
            patches.enter_context(patch.object(Held, "wait", _wait_in_a_call))
        sys.argv = ["align-da", *command]
        main()


def _wait_in_a_call(held: Held) -> None:
    """Say that work has begun, and wait in a call that no signal cuts short."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    held.begun.touch()
    time.sleep(held.seconds)
