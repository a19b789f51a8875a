"""Commands in a process of their own, which can be held where they own what they write."""

import sys
import time
from pathlib import Path
from unittest.mock import patch

from align_da.cli.application import main
from align_da.errors import StorageError
from data_pipelines import backgrounds

WORLD = """
[world]
model = "lorenz96"
train_days = 30
gap_days = 10
validation_days = 6
test_days = 6

[backgrounds]
lead_hours = [6, 48]
train_starts = 25
validation_starts = 3
test_starts = 2

[cycled_backgrounds]
segments = 0
"""
"""That of tests/pipelines/conftest.py, as a file."""


def make_backgrounds(folder: Path, told: Path, until: Path | None = None) -> None:
    """`align-da data backgrounds` of one worker, its messages in a file.

    Args:
        folder: of the run, with its configuration.
        told: where the messages go.
        until: a file that it waits for when it owns the stage.
    """
    real = backgrounds.make_backgrounds

    def held(*arguments: object) -> None:
        while until is not None and not until.exists():
            time.sleep(0.01)
        real(*arguments)

    sys.argv = ["align-da", "data", "backgrounds", f"--run={folder}", "--workers=1"]
    sys.argv += [f"--config={folder / 'world.toml'}"]
    with told.open("w") as sys.stderr, patch.object(backgrounds, "make_backgrounds", held):
        main()


REFUSED = StorageError.exit_code
