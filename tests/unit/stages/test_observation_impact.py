"""Impacts of observations in a cycling run are written as tables and told."""

import json
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from command_line import with_data
from cycled_world import CONFIG, LAYOUT, make_world
from persistence import Persistence
from typer.testing import CliRunner

from align_da.config.table import with_overrides
from align_da.errors import InputError
from align_da.runs.run import open_run
from align_da.stages import observation_impact, run_cycles
from align_da.stages.compose_report import _impacts
from align_da.stages.observation_impact import ImpactPlan
from align_da.storage.gridded import read_times
from align_da.storage.run_folder import RunFolder
from align_da.storage.stored_cycles import open_cycles
from align_da.verification.energy_norm import energy_weights

SETTINGS = ["cycle.method=letkf", "cycle.members=5", "cycle.cycles=3"]
FILTER = with_overrides(CONFIG, SETTINGS)
LEAD = ImpactPlan(lead_hours=12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunFolder]:
    """A run with three cycles of a filter."""
    made = make_world(tmp_path_factory.mktemp("world"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_cycles, "cycle_forecast_model", lambda _: Persistence(LAYOUT))
        patch.setattr(
            observation_impact, "configured_forecast_model", lambda _: Persistence(LAYOUT)
        )
        assert run_cycles.run_cycles(FILTER, made.root, "letkf") == 0
        yield made


def change_of(folder: RunFolder, number: int, hours: int) -> float:
    """By hand: where nothing moves, a forecast is what it starts from."""
    run = open_run(FILTER, folder.root)
    weights, squares = energy_weights(LAYOUT), []
    for product in ("analysis", "background"):
        states = open_cycles(folder.cycles("letkf"), product).isel(time=number)
        time = states["time"].to_numpy() + np.timedelta64(hours, "h")
        truth = read_times(run.truth, LAYOUT, np.asarray([time])).values[0]
        mean = [
            states[name].mean("realization").to_numpy().reshape(-1, *LAYOUT.shape[:2])
            for name in LAYOUT.variables
        ]
        error = np.moveaxis(np.concatenate(mean), 0, -1) - np.asarray(truth, np.float64)
        squares.append(float((weights * error**2).sum()))
    return squares[0] - squares[1]


def test_tables_by_type_and_by_station_add_up_to_the_impact_of_all(folder: RunFolder) -> None:
    path = observation_impact.observation_impact(FILTER, folder.root, "letkf", LEAD)
    told = json.loads(path.read_text())
    assert path == folder.report / "impact" / "letkf.json"
    assert (told["first"], told["last"], told["lead_hours"]) == (0, 2, 12)
    changes = [change_of(folder, number, 12) for number in range(3)]
    assert told["change_per_cycle"] == pytest.approx(np.mean(changes), rel=1e-3)
    used = open_cycles(folder.cycles("letkf"), "diagnostics")["used_observations"].mean()
    for name in ("by_type", "by_station"):
        table = pd.read_csv(path.with_name(f"letkf_{name}.csv"))
        assert table["impact_per_cycle"].sum() == pytest.approx(told["impact_per_cycle"])
        assert table["impact_per_cycle"].is_monotonic_increasing
        assert table["observations"].sum() == pytest.approx(float(used))
    assert set(pd.read_csv(path.with_name("letkf_by_type.csv"))["variable"]) == {*LAYOUT.variables}
    assert path.with_suffix(".png").exists()
    (section,) = _impacts(folder.report)
    assert [table.caption for table in section.tables] == ["Impacts in letkf"]


def test_the_command_tells_it_as_json_too(folder: RunFolder) -> None:
    options = ["--name", "letkf", "--lead", "6", "--cycles", "1:2", "--against", "analysis"]
    result = CliRunner().invoke(with_data(), ["impact", str(folder.root), *options, "--json"])
    found = json.loads(result.stdout)
    assert (found["first"], found["last"], found["against"]) == (1, 1, "analysis")
    assert "observations have changed the squared error of 6 h forecasts" in result.stderr


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (ImpactPlan(7), "multiple of the step of the forecast model, 6 hours, got 7"),
        (
            ImpactPlan(4800),
            r"forecast of 4800 hours ends within the truth, found none of 3 cycles",
        ),
        (ImpactPlan(6, first=3), "expected a cycle from 3 to 2"),
        (ImpactPlan(24, against="analysis"), "ends within the analysis, found none"),
    ],
)
def test_what_cannot_be_judged_is_told_before_any_forecast(
    plan: ImpactPlan, told: str, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observation_impact, "forecasts_at", None)
    with pytest.raises(InputError, match=told):
        observation_impact.observation_impact(FILTER, folder.root, "letkf", plan)


def test_one_member_has_no_impacts(folder: RunFolder) -> None:
    alone = with_overrides(FILTER, ["cycle.members=1"])
    with pytest.raises(InputError, match=r"expected an ensemble.*letkf has no impacts"):
        observation_impact.observation_impact(alone, folder.root, "letkf", LEAD)
