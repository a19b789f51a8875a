"""What a command makes and reads, by its name."""

from pathlib import Path

import pytest

from align_da.config import load_config
from align_da.errors import ConfigError
from align_da.runs.work import command_of, work_of
from align_da.storage.run_folder import RunFolder

MAKERS = (
    *("data truth", "data backgrounds", "data cycled", "data statistics", "data closed_loop"),
    *("train autoencoder", "train denoiser", "train covariance", "train model_error"),
    *("train correction", "align candidates", "align aligned", "align continued"),
    "align supervised",
)
CONFIG = load_config(
    None, ["cycle.method=letkf", "correction.rounds=2", "cycled_backgrounds.segments=1"]
)


@pytest.mark.parametrize("command", MAKERS)
def test_a_command_makes_the_stage_that_it_is_told_for(command: str, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    (stage,) = work_of(command, CONFIG, folder).stages
    assert command_of(folder, stage.name) == command


def test_cycled_backgrounds_that_there_are_to_be_none_of_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="segments of at least 1, got 0"):
        work_of("data cycled", load_config(None, []), RunFolder(tmp_path))


def test_rounds_read_nothing_that_they_make(tmp_path: Path) -> None:
    work = work_of("data rounds", CONFIG, RunFolder(tmp_path), rounds=2)
    made = [stage.name for stage in work.stages]
    assert made == ["closed_loop_0", "correction_0", "closed_loop_1", "correction_1"]
    assert not [need for need in work.needs if any(f"'{name}'" in need.what for name in made)]


@pytest.mark.parametrize(
    ("command", "weights"),
    [
        ("align leads", ["reference"]),
        ("align compare", ["reference", "aligned", "continued", "supervised"]),
        ("benchmark", ["reference", "aligned"]),
        ("downscale", ["reference"]),
    ],
)
def test_commands_without_a_stage_read_the_weights_that_they_compare(
    command: str, weights: list[str], tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path)
    config = load_config(None, ["benchmark.controls=[]"])
    truth, *read = work_of(command, config, folder).needs
    assert truth.path == folder.truth
    assert [need.path for need in read] == [folder.weights(name) for name in weights]


def test_reports_and_what_the_method_has_learned_are_read_by_cycles(tmp_path: Path) -> None:
    config = load_config(None, ["cycle.method=three_d_var", "reports.padded=100"])
    needs = work_of("cycle", config, RunFolder(tmp_path)).needs
    assert [need.path.stem for need in needs] == [
        *("truth", "backgrounds", "covariance", "observations")
    ]
