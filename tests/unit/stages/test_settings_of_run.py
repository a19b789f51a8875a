"""A command that is given a run uses the configuration that the run has stored."""

from pathlib import Path

import pytest

from align_da.config import Config, load_config
from align_da.config.table import table_of
from align_da.errors import ConfigError, StorageError
from align_da.runs.rounds import with_last_round
from align_da.runs.stage_graph import correction_stage, truth_stage
from align_da.stages.settings_of_run import SettingsOfRun, settings_of_run
from align_da.storage.durable import write_durably
from align_da.storage.manifest import manifest_of, write_manifest
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import Stage
from align_da.storage.stage_record import StageRecord, write_stage_record
from align_da.storage.stages import run_stage
from align_da.storage.store_places import manifest_path

STORED = load_config(None, ["letkf.inflation=1.1", "cycle.members=7", "sampler.kind=stochastic"])


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run whose last stage was given a configuration; an earlier one was given another."""
    made = RunFolder(tmp_path / "run")
    for name, config in (("zeroth", Config(seed=9)), ("first", STORED)):
        run_stage(made, Stage(name, [], [], [], table_of(config)), lambda: None)
    run_stage(made, Stage("silent", [], [], []), lambda: None)
    return made


def test_without_a_file_it_is_that_of_the_last_stage_and_that_is_told(folder: RunFolder) -> None:
    source = f"the configuration is that of the stage 'first' of {folder.root}"
    assert settings_of_run(folder.root, None, None) == SettingsOfRun(STORED, (source,))


def test_an_override_is_applied_to_it_and_told(folder: RunFolder) -> None:
    found = settings_of_run(folder.root, None, ["letkf.inflation=1.3", "sampler.kind=heun"])
    config = found.config
    assert (config.letkf.inflation, config.cycle.members, config.sampler.steps) == (1.3, 7, 10)
    assert "\n  letkf.inflation: stored 1.1, now 1.3\n" in found.notes[1]


def test_a_file_takes_its_place_and_what_differs_is_told(
    folder: RunFolder, tmp_path: Path
) -> None:
    file = tmp_path / "other.toml"
    file.write_text("[letkf]\ninflation = 1.1\n[sampler]\nkind = 'stochastic'\n")
    found = settings_of_run(folder.root, file, ["seed=2"])
    assert found.config == load_config(file, ["seed=2"])
    assert found.notes[0].splitlines()[1:] == [
        "  cycle.members: stored 7, now 20",
        "  seed: stored 0, now 2",
    ]


def test_more_than_twenty_differences_are_counted(folder: RunFolder) -> None:
    sections = ("autoencoder", "denoiser", "alignment", "correction", "model_error")
    keys = ("steps=7001", "batch_size=3", "warm_up_steps=9", "validate_every=77")
    changes = [f"{section}.training.{key}" for section in sections for key in keys]
    found = settings_of_run(folder.root, None, [*changes, "seed=1", "cycle.members=5"])
    *_, first, last = found.notes[1].splitlines()
    assert ("stored" in first, last) == (True, "  and 2 more")


def test_what_a_cycling_run_was_made_with_comes_first(folder: RunFolder) -> None:
    method = load_config(None, ["cycle.method=letkf", "correction.averaged=1"])
    write_manifest(manifest_path(folder.cycles("main")), manifest_of(method, 0, {}))
    found = settings_of_run(folder.root, None, None, ["main"])
    assert (found.config, "is that of the cycles 'main' of" in found.notes[0]) == (method, True)
    assert settings_of_run(folder.root, None, None, ["new"]).config == STORED


def test_a_file_is_compared_with_what_the_cycles_were_made_with(
    folder: RunFolder, tmp_path: Path
) -> None:
    made = with_last_round(load_config(None, ["cycle.method=letkf"]), folder)
    write_manifest(manifest_path(folder.cycles("main")), manifest_of(made, 0, {}))
    file = tmp_path / "other.toml"
    file.write_text("[cycle]\nmethod = 'three_d_var'\n")
    found = settings_of_run(folder.root, file, None, ["main"])
    assert found.notes[0].splitlines()[1:] == ["  cycle.method: stored 'letkf', now 'three_d_var'"]


def test_a_file_is_compared_in_what_the_command_follows_from(
    folder: RunFolder, tmp_path: Path
) -> None:
    write_manifest(manifest_path(folder.cycles("main")), manifest_of(Config(), 0, {}))
    file = tmp_path / "other.toml"
    file.write_text("[cycle]\nmembers = 3\n[verification]\nforecast_every = 7\n")
    found = settings_of_run(folder.root, file, None, ["main"], ["world", "verification"])
    (told,) = found.notes[0].splitlines()[1:]
    assert told.startswith("  verification.forecast_every: stored")


def test_what_a_file_leaves_to_the_run_is_no_difference(folder: RunFolder, tmp_path: Path) -> None:
    made = with_last_round(Config(), folder)
    assert made != Config()
    write_manifest(manifest_path(folder.cycles("main")), manifest_of(made, 0, {}))
    file = tmp_path / "same.toml"
    file.write_text("seed = 0\n")
    assert settings_of_run(folder.root, file, None, ["main"]).notes == ()


def test_cycles_that_were_made_with_other_settings_are_refused_until_it_is_said_which_are_meant(
    folder: RunFolder, tmp_path: Path
) -> None:
    every = {"one": 2, "two": 3}
    for name, number in every.items():
        made = load_config(None, [f"verification.forecast_every={number}", f"seed={number}"])
        write_manifest(manifest_path(folder.cycles(name)), manifest_of(made, 0, {}))
    differ = (
        r"(?s)'one' .*'two' .*by --config or --set.*verification.forecast_every: stored 2, now 3"
    )
    with pytest.raises(ConfigError, match=differ):
        settings_of_run(folder.root, None, None, [*every], ["verification"])
    said = ["verification.forecast_every=5"]
    found = settings_of_run(folder.root, None, said, [*every], ["verification"]).config
    assert (found.verification.forecast_every, found.seed) == (5, 2)
    file = tmp_path / "own.toml"
    file.write_text("[verification]\nforecast_every = 7\n")
    found = settings_of_run(folder.root, file, None, [*every], ["verification"]).config
    assert found.verification.forecast_every == 7


def test_a_run_that_has_not_begun_has_the_defaults(tmp_path: Path) -> None:
    for run in (tmp_path, tmp_path / "nowhere"):
        assert settings_of_run(run, None, ["seed=3"]) == SettingsOfRun(Config(seed=3))


def stop(folder: RunFolder, name: str, config: Config) -> None:
    """A stage that Ctrl-C ends."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_stage(folder, Stage(name, [], [], [], table_of(config)), interrupt)


def test_a_run_that_was_stopped_in_its_first_stage_goes_on_with_what_that_was_given(
    tmp_path: Path,
) -> None:
    folder = RunFolder(tmp_path)
    run_stage(folder, Stage("silent", [], [], []), lambda: None)
    stop(folder, "truth", Config(seed=9))
    stop(folder, "truth", STORED)
    source = f"the configuration is that of the stage 'truth' of {tmp_path}, which has begun"
    assert settings_of_run(tmp_path, None, None) == SettingsOfRun(STORED, (source,))


def test_a_finished_stage_says_more_than_one_that_was_stopped(folder: RunFolder) -> None:
    stop(folder, "later", Config(seed=5))
    assert settings_of_run(folder.root, None, None).config == STORED


def test_nothing_is_kept_of_a_beginning_when_the_stage_is_done(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    stop(folder, "truth", Config(seed=9))
    run_stage(folder, Stage("truth", [], [], [], table_of(STORED)), lambda: None)
    assert settings_of_run(tmp_path, None, None).config == STORED
    assert [path.name for path in folder.stages.iterdir()] == ["truth.json"]


@pytest.mark.parametrize("change", [(b"9", b"8"), (b'"stage"', b'"stag"'), (b"{", b"")])
def test_a_beginning_that_is_damaged_is_told(change: tuple[bytes, bytes], tmp_path: Path) -> None:
    stop(RunFolder(tmp_path), "truth", Config(seed=9))
    path = RunFolder(tmp_path).stages / "begun"
    path.write_bytes(path.read_bytes().replace(*change))
    with pytest.raises(StorageError, match=r"begun is no configuration .* by --config which"):
        settings_of_run(tmp_path, None, None)


def test_the_defaults_of_a_run_that_has_stages_and_stored_none_are_told(
    tmp_path: Path,
) -> None:
    run_stage(RunFolder(tmp_path), Stage("silent", [], [], []), lambda: None)
    found = settings_of_run(tmp_path, None, ["seed=3"])
    assert found.config == Config(seed=3)
    assert "stored no configuration: the defaults are taken" in found.warning


def test_the_configuration_of_another_version_is_told_with_what_to_do(folder: RunFolder) -> None:
    table = {**table_of(STORED), "of_tomorrow": 1}
    write_stage_record(folder, StageRecord("new", "a", [], 1.0, {}, table, "9999"))
    with pytest.raises(ConfigError, match=r"the stage 'new' .*of_tomorrow.*by --config"):
        settings_of_run(folder.root, None, None)


def test_a_damaged_record_is_told_where_no_file_is_given(
    folder: RunFolder, tmp_path: Path
) -> None:
    write_durably(folder.stages / "first.json", b"{")
    with pytest.raises(StorageError, match=r"first.json is no record of a stage"):
        settings_of_run(folder.root, None, None)
    file = tmp_path / "own.toml"
    file.write_text("seed = 4\n")
    assert settings_of_run(folder.root, file, None).config == Config(seed=4)


def test_a_stage_stores_the_configuration_in_full(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert truth_stage(STORED, folder).config == table_of(STORED)


def test_the_number_of_a_round_is_not_stored_for_the_commands_that_follow(
    tmp_path: Path,
) -> None:
    config = load_config(None, ["correction.round=3", "correction.width=32"])
    stored = correction_stage(config, RunFolder(tmp_path)).config
    assert stored == table_of(load_config(None, ["correction.width=32"]))
