"""Row 7, rounds of learning in cycles: a full disk ends each command with nothing left behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from closed_loop_settings import CONFIG
from command_line import align_da
from cycled_world import LAYOUT, make_world
from persistence import Persistence
from test_full_disk_of_commands import Figure, ends_with_nothing_left

from data_pipelines import closed_loop

COMMANDS = ("data closed_loop --workers 1", "train correction", "data rounds 2 --workers 1")

pytestmark = [
    pytest.mark.long,  # a minute, most of it to compile
    pytest.mark.filterwarnings("ignore:Error (writing|reading) persistent compilation cache"),
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. None:pytest.PytestUnraisableExceptionWarning"
    ),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A world that stands still; each command goes on where the one before has ended."""
    root = tmp_path_factory.mktemp("rounds")
    (root / "config.toml").write_text(CONFIG)
    splits = {"train": (0, 12), "validation": (13, 18), "test": (18, 20)}
    folder = make_world(root / "run", splits)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(closed_loop, "cycle_forecast_model", lambda _: Persistence(LAYOUT))
        align_da("train covariance", folder.root, root / "config.toml")
        yield folder.root


@pytest.mark.parametrize("command", COMMANDS)
def test_row_7_a_full_disk_ends_the_commands_that_learn_in_cycles(
    command: str, run: Path, figure: Figure
) -> None:
    ends_with_nothing_left(
        command, run, lambda: align_da(command, run, run.with_name("config.toml")), figure
    )
