"""Trainings of a second that end badly, for the tests of checkpoints."""

import os
import resource
import signal
import sys
from pathlib import Path

from unit.training import tiny

from align_da.errors import AlignDAError


def train_and_die(folder: Path, step: int) -> None:
    """Train, and kill the process after a step."""

    def report(done: int, _: object) -> None:
        if done == step:
            os.kill(os.getpid(), signal.SIGKILL)

    tiny.train(folder, report=report)


def train_on_a_full_disk(folder: Path, step: int, file_limit: int) -> None:
    """Train, and from a step on let no file get larger than `file_limit` bytes."""

    def report(done: int, _: object) -> None:
        if done == step:
            sys.dont_write_bytecode = True  # as `full_disk` of test_full_disk.py
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

    try:
        tiny.train(folder, report=report)
    except AlignDAError as error:
        sys.exit(error.exit_code)
