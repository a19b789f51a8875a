"""A station in a stored cycle is explained with the numbers of the store and the same analysis."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from command_line import with_data
from cycled_world import CONFIG, LAYOUT, make_world
from persistence import Persistence
from typer.testing import CliRunner

from align_da.atmosphere import State
from align_da.config import Config
from align_da.config.table import with_overrides
from align_da.errors import InputError
from align_da.stages import run_cycles
from align_da.stages.explain_station import StationExplained, explain_station
from align_da.storage.run_folder import RunFolder
from align_da.storage.stored_cycles import open_cycles

MEMBERS = 5
Explained = Callable[..., StationExplained]
METHODS = {
    "letkf": ["observations.withheld=0.4"],
    "hybrid_gain": [],
    "three_d_var": [],
    "letkf at own times": [
        "cycle.window_hours=12",
        "cycle.trajectory_hours=6",
        "observations.every_hours=6",
    ],
}


@dataclass(frozen=True)
class Warming(Persistence):
    """Every hour is a little warmer than the one before, by as much as a state is warm."""

    def forecast(
        self,
        states: State,
        valid_time: np.datetime64,
        lead_hours: int,
        previous: State | None = None,
    ) -> State:
        channels = LAYOUT.channels_of("temperature")
        values = states.values.at[..., channels].multiply(1 + 1e-4 * lead_hours)
        return State(values, states.layout)


def config_of(method: str) -> Config:
    return with_overrides(
        CONFIG,
        [
            f"cycle.method={method.split(maxsplit=1)[0]}",
            f"cycle.members={MEMBERS}",
            *METHODS[method],
        ],
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunFolder]:
    """A run with two cycles of every method."""
    made = make_world(tmp_path_factory.mktemp("world"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_cycles, "cycle_forecast_model", lambda _: Warming(LAYOUT))
        for method in METHODS:
            name = method.replace(" ", "_")
            assert run_cycles.run_cycles(config_of(method), made.root, name) == 0
        yield made


def station_of(folder: RunFolder, name: str, flag: str) -> int:
    """The first station with an observation of a flag in the last cycle."""
    observed = open_cycles(folder.cycles(name), "observations").isel(time=1).load()
    meanings = observed["flag"].attrs
    names = dict(zip(meanings["flag_meanings"].split(), meanings["flag_values"], strict=True))
    return int(observed["station"].to_numpy()[observed["flag"].to_numpy() == names[flag]][0])


@pytest.fixture(scope="module")
def explained(folder: RunFolder) -> Explained:
    """The first station of a flag in the last cycle, unless another one is said."""

    @cache
    def explain(method: str, flag: str = "pass", number: int = 1) -> StationExplained:
        name = method.replace(" ", "_")
        station = str(station_of(folder, name, flag))
        return explain_station(config_of(method), folder.root, name, number, station)

    return explain


@pytest.mark.parametrize(
    ("method", "number"), [*((method, 1) for method in METHODS), ("letkf at own times", 0)]
)
def test_an_analysis_that_is_made_again_is_the_stored_one(
    method: str, number: int, explained: Explained
) -> None:
    found = explained(method, number=number)
    assert "made again" in found.made_again
    assert "same bits" in found.made_again
    assert list(found.without["variable"]) == list(LAYOUT.variables)
    assert (found.without["difference"] != 0).all()
    assert (found.worth["without"] != found.worth["analysis"]).all()


@pytest.mark.parametrize("method", METHODS)
def test_the_numbers_of_a_station_are_those_of_the_store(
    method: str, folder: RunFolder, explained: Explained
) -> None:
    found = explained(method)
    name = method.replace(" ", "_")
    stored = open_cycles(folder.cycles(name), "observations").isel(time=1).load()
    own = stored.isel(observation=found.worth.index.to_numpy())
    assert set(own["station"].to_numpy()) == {found.about["station"]}
    for column, variable in (
        ("value", "value"),
        ("background", "background_equivalent"),
        ("analysis", "analysis_equivalent"),
        ("error", "error"),
    ):
        np.testing.assert_allclose(found.worth[column], own[variable], rtol=1e-6)
    moved = found.worth["analysis"] - found.worth["background"]
    np.testing.assert_allclose(found.worth["share"] * found.worth["innovation"], moved, rtol=1e-6)
    known = np.isfinite(found.worth["influence"])
    assert known.all() == (method != "three_d_var")


def test_a_withheld_station_changes_nothing_and_says_why(explained: Explained) -> None:
    found = explained("letkf", "passive")
    assert found.made_again == "the same analysis, none of its observations was used"
    assert found.without.empty
    assert "withheld: compared, and not assimilated" in found.text
    assert (found.worth["influence"] == 0).all()


def test_with_settings_that_have_changed_nothing_is_told_of_the_analysis_without(
    folder: RunFolder,
) -> None:
    changed = with_overrides(config_of("letkf"), ["letkf.inflation=3.0"])
    station = str(station_of(folder, "letkf", "pass"))
    found = explain_station(changed, folder.root, "letkf", 1, station)
    assert "settings or what was learned have changed" in found.made_again
    assert found.without.empty
    assert "without" not in found.worth


@pytest.mark.parametrize(
    ("number", "station", "told"),
    [
        (2, "0", r"expected the number of a complete cycle \(0 to 1\), got 2"),
        (0, "NOWHERE", r"expected one of the \d+ stations of cycle 0 \(.*got 'NOWHERE'.*monitor"),
    ],
)
def test_what_is_not_there_is_told(
    number: int, station: str, told: str, folder: RunFolder
) -> None:
    with pytest.raises(InputError, match=told):
        explain_station(config_of("letkf"), folder.root, "letkf", number, station)


def test_the_command_tells_it_as_json_too(folder: RunFolder) -> None:
    station = str(station_of(folder, "letkf", "pass"))
    options = ["--name", "letkf", "--cycle", "1", "--station", station]
    command = ["explain", str(folder.root), *options]
    found = json.loads(CliRunner().invoke(with_data(), [*command, "--json"]).stdout)
    assert (found["station"], found["method"]) == (int(station), "letkf")
    assert {row["variable"] for row in found["observations"]} == {*LAYOUT.variables}
    assert {row["variable"] for row in found["without"]["largest"]} == {*LAYOUT.variables}
    text = CliRunner().invoke(with_data(), command).stdout
    assert text.rstrip().endswith(found["words"][-1])
