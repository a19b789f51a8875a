"""What a package brings in the place of a part is told with its name, for every kind of part."""

import sys
from collections.abc import Callable
from dataclasses import fields
from importlib.metadata import EntryPoint
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import typer
import xarray as xr
from brought_parts import bring

import align_da.registry as room
from align_da.atmosphere import Grid, Layout, VerticalCoordinate
from align_da.atmosphere.variables import variable_named
from align_da.config import GuidanceConfig, SamplerConfig, config_from_table
from align_da.errors import ConfigError
from align_da.observations.batch import ObservationBatch, padded_batch
from align_da.registry import COMMANDS, REGISTRIES, Registry
from align_da.runs.analysis_methods import build_analysis
from align_da.runs.forecast_models import configured_forecast_model
from align_da.runs.guidances import build_posterior_sampler
from align_da.runs.objectives import build_objective
from align_da.runs.rewards import RewardInputs, build_rewards
from align_da.runs.run import Run
from align_da.runs.samplers import build_sampler
from align_da.storage.run_folder import RunFolder
from align_da.terminal.brought_commands import add_brought_commands

MODULE = """
from align_da.atmosphere import Variable
from align_da.runs.analyses import AnalysisPart

def none(*given): return None
def number(*given): return 1.5
def text(*given): return "part"
def kind(*given): return int

analysis_none = AnalysisPart(none, "wrong")
analysis_number = AnalysisPart(number, "wrong")
analysis_text = AnalysisPart(text, "wrong")
analysis_kind = AnalysisPart(kind, "wrong")
nothing = None
named_slow_x = Variable("slow_x", "slow_x", "1", "x", "levels", (-1.0, 1.0))
"""
LAYOUT = Layout(Grid((0.0,), (0.0,), VerticalCoordinate("index", (1.0,))), ("abstract_field",))


def run_with(tmp_path: Path, **sections: object) -> Run:
    return Run(config_from_table(sections), RunFolder(tmp_path), xr.Dataset(), LAYOUT)


def operator(tmp_path: Path) -> object:
    run = run_with(tmp_path, observations={"operator": "wrong"})
    whole = {"vertical", "variable", "station", "flag"}
    none = {
        field.name: np.zeros(0, np.int32 if field.name in whole else np.float32)
        for field in fields(ObservationBatch)
    }
    return run.operator_for(padded_batch(none, 2), LAYOUT)


def reward(_: Path) -> object:
    inputs = RewardInputs(lambda: None, 6, jnp.zeros((1, 1)), lambda: None)
    return build_rewards(["wrong"], inputs)


USES: dict[str, Callable[[Path], object]] = {
    "align_da.forecast_models": lambda _: configured_forecast_model(
        config_from_table({"world": {"model": "wrong"}})
    ),
    "align_da.analyses": lambda path: build_analysis(run_with(path, cycle={"method": "wrong"})),
    "align_da.guidances": lambda _: build_posterior_sampler(
        GuidanceConfig(method="wrong"), SamplerConfig()
    ),
    "align_da.samplers": lambda _: build_sampler(SamplerConfig(kind="wrong")),
    "align_da.rewards": reward,
    "align_da.objectives": lambda _: build_objective("wrong"),
    "align_da.observation_operators": operator,
    "align_da.variables": lambda _: variable_named("wrong"),
}


class Distribution:
    """That of the part of the tests."""

    name = "some-package"
    version = "1.0"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Install a part called "wrong" of a package into a group."""
    (tmp_path / "wrong_parts.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))

    def installed(group: str, attribute: str) -> None:
        bring(monkeypatch, EntryPoint("wrong", f"wrong_parts:{attribute}", group), Distribution)

    yield installed
    room._installed.cache_clear()


def test_every_kind_of_part_is_tried() -> None:
    assert set(USES) == {kind.group for kind in REGISTRIES}


@pytest.mark.parametrize("made", ["none", "number", "text", "kind"])
@pytest.mark.parametrize("kind", REGISTRIES, ids=lambda kind: kind.group)
def test_a_part_that_makes_something_else_is_told_with_its_package(
    kind: Registry, made: str, install: Callable[[str, str], None], tmp_path: Path
) -> None:
    install(kind.group, f"analysis_{made}" if kind.group == "align_da.analyses" else made)
    with pytest.raises(ConfigError, match=r"wrong' of some-package 1\.0"):
        USES[kind.group](tmp_path)


@pytest.mark.parametrize("kind", REGISTRIES, ids=lambda kind: kind.group)
def test_nothing_in_the_place_of_a_part_is_told_with_its_package(
    kind: Registry, install: Callable[[str, str], None], tmp_path: Path
) -> None:
    install(kind.group, "nothing")
    with pytest.raises(ConfigError, match=r"wrong' of some-package 1\.0"):
        USES[kind.group](tmp_path)


def test_a_variable_of_another_name_than_its_entry_point_is_told_with_both(
    install: Callable[[str, str], None],
) -> None:
    install("align_da.variables", "named_slow_x")
    expected = (
        r"some-package 1\.0: expected the name 'wrong', that of the entry point, got 'slow_x'"
    )
    with pytest.raises(ConfigError, match=expected):
        variable_named("wrong")


def test_a_layout_takes_a_variable_of_a_package_without_importing_it(
    install: Callable[[str, str], None],
) -> None:
    install("align_da.variables", "named_slow_x")
    sys.modules.pop("wrong_parts", None)
    assert Layout(LAYOUT.grid, ("wrong",)).variables == ("wrong",)
    assert "wrong_parts" not in sys.modules


def test_a_method_that_says_nothing_of_trajectories_is_told_where_there_are(
    install: Callable[[str, str], None], tmp_path: Path
) -> None:
    install("align_da.analyses", "analysis_none")
    run = run_with(tmp_path, cycle={"method": "wrong", "trajectory_hours": 1})
    expected = r"wrong' of some-package 1\.0.*own times.*cycle\.trajectory_hours = 0"
    with pytest.raises(ConfigError, match=expected):
        build_analysis(run)


@pytest.mark.parametrize("made", ["nothing", "none", "kind"])
def test_a_group_of_commands_that_is_none_is_told_and_the_others_stay(
    made: str, install: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    install(COMMANDS.group, made)
    add_brought_commands(typer.Typer())
    assert "group of commands 'wrong' of some-package 1.0 is no" in capsys.readouterr().err
