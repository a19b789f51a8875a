"""Row 10 of the table of faults, by the command: two that make the same at once."""

import re
from collections.abc import Callable
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from time import sleep

import pytest
import small_commands
from hurt import folder_digest
from pipelines.conftest import CONFIG, write_truth

from align_da.config import load_config
from align_da.runs.stage_graph import truth_stage
from align_da.storage.inspection import describe
from align_da.storage.run_folder import RunFolder
from align_da.storage.stages import run_stage

Begin = Callable[..., ForkServerProcess]
SPLITS = ("train", "validation", "test")


@pytest.fixture
def begin(children: ForkServerContext, tmp_path: Path) -> Begin:
    """Start the command in a process of its own."""

    def start(name: str, folder: Path, until: Path | None = None) -> ForkServerProcess:
        arguments = (folder, tmp_path / f"{name}.txt", until)
        child = children.Process(target=small_commands.make_backgrounds, args=arguments)
        child.start()
        return child

    return start


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run with its truth."""
    made = RunFolder(tmp_path / "run")
    made.root.mkdir()
    (made.root / "world.toml").write_text(small_commands.WORLD)
    assert load_config(made.root / "world.toml", ()) == CONFIG
    run_stage(made, truth_stage(CONFIG, made), lambda: write_truth(made.root))
    return made


def digests(folder: RunFolder) -> list[str]:
    return [folder_digest(folder.backgrounds(split)) for split in SPLITS]


def test_row_10_of_two_commands_that_make_the_same_one_is_refused_and_one_makes_it_whole(
    folder: RunFolder, begin: Begin, tmp_path: Path
) -> None:
    go, lock = tmp_path / "go", folder.stages / "backgrounds.lock"
    first = begin("first", folder.root, go)
    while not (lock.is_file() and lock.stat().st_size):
        assert first.is_alive()
        sleep(0.005)
    second = begin("second", folder.root)
    second.join()
    assert second.exitcode == small_commands.REFUSED
    # Lines before it tell of variables of the environment that are not looked at.
    told = (tmp_path / "second.txt").read_text().splitlines()[-1]
    assert re.fullmatch(
        rf'align-da: {lock} is owned by another process \({{"pid": {first.pid}, .*}}\): '
        r"wait for it or end it",
        told,
    )
    assert not folder.backgrounds("train").exists()
    go.touch()
    first.join()
    assert first.exitcode == 0
    assert not lock.exists()
    assert describe(folder.root).whole
    before = digests(folder)
    again = begin("again", folder.root)
    again.join()
    assert (again.exitcode, digests(folder)) == (0, before)


@pytest.mark.long
@pytest.mark.parametrize("pair", range(5))
def test_row_10_two_commands_at_the_same_moment_leave_a_whole_store(
    pair: int, folder: RunFolder, begin: Begin, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    both = [begin(name, folder.root) for name in ("first", "second")]
    for child in both:
        child.join()
    codes = sorted(child.exitcode or 0 for child in both)
    assert codes in ([0, 0], [0, small_commands.REFUSED])  # the other found it done a moment later
    assert describe(folder.root).whole
    figure(f"pair {pair}: exit codes {codes}, store whole")
