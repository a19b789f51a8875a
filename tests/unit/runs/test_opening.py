"""A run that is opened without a configuration has the one that it has stored."""

from pathlib import Path

import pytest
from cycled_world import write_truth

import align_da as da
from align_da.config import Config, load_config
from align_da.config.table import table_of
from align_da.errors import ConfigError
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import Stage
from align_da.storage.stage_record import StageRecord, write_stage_record
from align_da.storage.stages import run_stage

STORED = load_config(None, ["letkf.inflation=1.1", "sampler.kind=stochastic"])


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run with a truth."""
    made = RunFolder(tmp_path / "run")
    write_truth(made.truth)
    return made


def test_it_is_what_the_last_stage_was_given_with_what_is_said_besides(folder: RunFolder) -> None:
    run_stage(folder, Stage("first", [], [], [], table_of(STORED)), lambda: None)
    assert da.open_run(folder.root).config == STORED
    found = da.open_run(folder.root, overrides=["letkf.inflation=1.3"]).config
    assert (found.letkf.inflation, found.sampler.kind) == (1.3, "stochastic")


def test_a_file_takes_its_place(folder: RunFolder, tmp_path: Path) -> None:
    run_stage(folder, Stage("first", [], [], [], table_of(STORED)), lambda: None)
    file = tmp_path / "own.toml"
    file.write_text("seed = 4\n")
    assert da.open_run(folder.root, file).config == Config(seed=4)


def test_a_run_that_has_stored_none_has_the_defaults(folder: RunFolder) -> None:
    assert da.open_run(folder.root, overrides=["seed=3"]).config == Config(seed=3)


def test_what_another_version_has_stored_is_refused_with_what_to_do(folder: RunFolder) -> None:
    table = {**table_of(STORED), "of_tomorrow": 1}
    write_stage_record(folder, StageRecord("new", "a", [], 1.0, {}, table, "9999"))
    with pytest.raises(ConfigError, match=r"the stage 'new' .*of_tomorrow.*a file in Python"):
        da.open_run(folder.root)
