"""What a command makes and reads, by its name."""

from pathlib import Path

import pytest

from align_da.config import load_config
from align_da.errors import ConfigError
from align_da.runs.fitting_cycles import check_window
from align_da.runs.work import command_of, work_of
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import Stage
from align_da.storage.stages import run_stage

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


@pytest.mark.parametrize("command", ["cycle", "data cycled", "data closed_loop", "data rounds"])
def test_a_window_that_forecasts_do_not_meet_is_refused_with_its_keys(
    command: str, tmp_path: Path
) -> None:
    keys = ["cycle.window_hours=3", "cycled_backgrounds.segments=1"]
    told = r"\(world\.step_hours = 6\), got cycle\.window_hours = 3"
    with pytest.raises(ConfigError, match=told):
        work_of(command, load_config(None, keys), RunFolder(tmp_path))
    fitting = load_config(None, [*keys, "world.step_hours=3", "cycle.correction_share=0"])
    assert work_of(command, fitting, RunFolder(tmp_path)).needs


@pytest.mark.parametrize(("step", "window"), [(6, 9), (24, 12)])
def test_the_step_of_a_graph_is_that_of_its_section(step: int, window: int) -> None:
    graph = ["world.model=onnx", "onnx.path=a", "onnx.kind=pangu", f"onnx.step_hours={step}"]
    told = rf"\(onnx\.step_hours = {step}\), got cycle\.window_hours = {window}"
    with pytest.raises(ConfigError, match=told):
        check_window(load_config(None, [*graph, f"cycle.window_hours={window}"]))
    check_window(load_config(None, [*graph, f"cycle.window_hours={2 * step}"]))


@pytest.mark.parametrize("command", ["cycle", "data closed_loop", "data rounds"])
def test_more_members_than_backgrounds_are_refused_with_the_keys(
    command: str, tmp_path: Path
) -> None:
    few = load_config(
        None, ["cycle.members=9", "backgrounds.train_starts=8", "cycle.correction_share=0"]
    )
    folder, told = RunFolder(tmp_path), r"at most 8 members.*cycle\.members = 9.*train_starts"
    with pytest.raises(ConfigError, match=told):
        work_of(command, few, folder)
    # What was made counts, and not what the configuration would make.
    run_stage(folder, Stage("truth", [], [], []), lambda: None)
    made = {"backgrounds": {"train_starts": 9}}
    run_stage(folder, Stage("backgrounds", [], [], [], made), lambda: None)
    assert work_of(command, few, folder).needs
    many = load_config(None, ["cycle.members=10", "cycle.correction_share=0"])
    with pytest.raises(ConfigError, match="at most 9 members"):
        work_of(command, many, folder)


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
