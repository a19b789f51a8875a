"""Every command that writes owns what it writes: beside another process it is refused at once."""

from pathlib import Path

import pytest
from command_line import align_da
from cycled_world import write_truth

from align_da.cli.application import app
from align_da.errors import StorageError
from align_da.storage.lock import owned
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import Stage
from align_da.storage.stages import run_stage
from data_pipelines.cli import app as data

LOCKS = {
    "data truth": "stages/truth.lock",
    "data backgrounds": "stages/backgrounds.lock",
    "data coarse": "stages/backgrounds.lock",
    "data cycled": "stages/cycled.lock",
    "data closed_loop": "stages/closed_loop_0.lock",
    "data rounds": "stages/closed_loop_0.lock",
    "data statistics": "stages/statistics.lock",
    "train autoencoder": "stages/autoencoder.lock",
    "train denoiser": "stages/denoiser.lock",
    "train covariance": "stages/covariance.lock",
    "train model_error": "stages/model_error.lock",
    "train correction": "stages/correction_0.lock",
    "align candidates": "stages/candidates.lock",
    "align aligned": "stages/aligned.lock",
    "align continued": "stages/continued.lock",
    "align supervised": "stages/supervised.lock",
}
IN_ROOM_OF_STAGES = {
    "verify",
    "monitor",
    "impact",
    "benchmark",
    "downscale",
    "export",
    "align leads",
} | {"align compare"}  # tests/unit/stages/test_owners.py
OTHERS = {
    "data observations": "tried below",
    "data export-observations": "tests/faults/test_full_disk.py writes beside a lock",
    "cycle": "row 10 of the table of faults",
    "demo": "runs the commands above",
    "data report": "one file, written whole",
    "config": "writes nothing",
    "parts": "writes nothing",
    "inspect": "writes nothing",
    "list": "writes nothing",
    "explain": "writes nothing",
}
CHANGES = ["world.model=lorenz96", "cycled_backgrounds.segments=1"]
STAGES = (
    *("truth", "backgrounds", "statistics", "autoencoder", "cycled", "denoiser", "candidates"),
    *("aligned", "covariance", "closed_loop_0"),
)
WHOLE = {"train", "align"}  # their arguments are in the lists


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run whose stages are done, by other definitions than those of the commands."""
    made = RunFolder(tmp_path_factory.mktemp("run"))
    write_truth(made.truth)
    for name in STAGES:
        run_stage(made, Stage(name, ["other"], [], []), lambda: None)
    return made


def names_of(group: object) -> set[str]:
    commands = group.registered_commands  # type: ignore[attr-defined]
    return {command.name or command.callback.__name__ for command in commands}


def test_every_command_is_tried() -> None:
    commands = names_of(app) | {f"data {name}" for name in names_of(data)}
    tried = {name if name.startswith("data") else name.split()[0] for name in LOCKS}
    tried |= {name.split()[0] for name in IN_ROOM_OF_STAGES} | set(OTHERS)
    assert commands == tried


@pytest.mark.parametrize("command", LOCKS)
def test_a_command_beside_another_that_makes_the_same_is_refused(
    command: str, folder: RunFolder
) -> None:
    before = sorted(folder.root.rglob("*"))
    lock = folder.root / LOCKS[command]
    with (
        owned(lock),
        pytest.raises(StorageError, match=rf"{lock} is owned by another process .*wait for it"),
    ):
        align_da(command, folder.root, None, CHANGES)
    assert sorted(folder.root.rglob("*")) == before


def test_observations_beside_another_command_that_reads_some_are_refused(
    folder: RunFolder, tmp_path: Path
) -> None:
    file = tmp_path / "reports.csv"
    file.write_text("value\n1\n")
    lock = folder.stages / "observations.lock"
    with owned(lock), pytest.raises(StorageError, match=rf"{lock} is owned by another process"):
        align_da(f"data observations {file}", folder.root)
    assert not folder.observations.exists()
