"""Row 51 of the table of faults: one member that is lost does not end a run, and is not hidden."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from hurt import complete_cycles, folder_digest
from small_run import MODEL, Nudging, run_small, small_experiment, with_parts

from align_da.assimilation.contract import AnalysisDiagnostics
from align_da.assimilation.letkf import LETKF
from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.cycling.cycle import CycleParts
from align_da.cycling.driver import CyclingExperiment, run_experiment
from align_da.cycling.replacement import NONE_REPLACED, ReplacementRule
from align_da.diffusion.effort import Effort
from align_da.errors import BadStateError
from align_da.forecast import FunctionForecastModel
from align_da.observations.batch import ObservationBatch
from align_da.observations.interpolation import interpolation_operator
from align_da.storage.inspection import describe
from align_da.storage.manifest import manifest_of
from align_da.storage.stored_cycles import open_cycles

START = np.datetime64("2020-01-01T00:00")
MEMBERS = 10
RULE = ReplacementRule(share=0.2, total=3)
HUMID = Layout(
    Grid(
        (-60.0, -20.0, 20.0, 60.0),
        (0.0, 90.0, 180.0, 270.0),
        VerticalCoordinate("sigma", (0.5, 0.9)),
    ),
    ("temperature", "specific_humidity", "surface_pressure"),
)


@dataclass
class BrokenAt:
    """Lorenz-96 whose forecast of some members is lost in some cycles, known by their time."""

    members: Mapping[int, tuple[int, ...]]
    value: float = np.nan
    layout: Layout = field(default_factory=lambda: MODEL.layout)
    step_hours: int = 6
    frames: Literal[1, 2] = 1
    differentiable: bool = True

    def forecast(
        self,
        states: State,
        valid_time: np.datetime64,
        lead_hours: int,
        previous: State | None = None,
    ) -> State:
        values = MODEL.forecast(states, valid_time, lead_hours).values
        for member in self.members.get(int((valid_time - START) / np.timedelta64(6, "h")), ()):
            values = values.at[member, 0, 7, 0].set(self.value)
        return State(values, states.layout)


def ensemble_run(
    model: BrokenAt, rule: ReplacementRule = RULE, members: int = MEMBERS
) -> CyclingExperiment:
    """Seven cycles of ten members."""
    shape = (members, *MODEL.layout.shape)
    first = 8 + np.sin(np.arange(np.prod(shape), dtype=np.float32)).reshape(shape)
    experiment = replace(small_experiment(7), initial=State(jnp.asarray(first), MODEL.layout))
    return with_parts(experiment, forecast_model=model, analysis=Nudging(), replacement=rule)


def run_telling(path: Path, experiment: CyclingExperiment) -> list[str]:
    """Run it into a store; what it told."""
    told: list[str] = []
    manifest = manifest_of({"name": "small run"}, experiment.parts.seed, {})
    assert run_experiment(experiment, path, manifest, warn=told.append) == 0
    return told


def reasons(store: Path, product: str = "background") -> dict[tuple[int, int], int]:
    """Why members were replaced, by cycle and member."""
    values = open_cycles(store, "members")[f"{product}_replaced"].to_numpy()
    return {(int(c), int(m)): int(values[c, m]) for c, m in np.argwhere(values)}


def diagnostics(store: Path) -> xr.Dataset:
    return open_cycles(store, "diagnostics").load()


@pytest.mark.parametrize(("value", "reason"), [(np.nan, 1), (-np.inf, 1), (1e6, 2)])
def test_row_51_a_broken_member_is_told_replaced_stored_and_counted(
    value: float, reason: int, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    store = tmp_path / "run.zarr"
    told = run_telling(store, ensemble_run(BrokenAt({2: (4,), 5: (0, 9)}, value)))
    assert [line.split(" has")[0] for line in told] == [
        "background of cycle 2: member 4",
        "background of cycle 5: member 0",
        "background of cycle 5: member 9",
    ]
    assert reasons(store) == {(2, 4): reason, (5, 0): reason, (5, 9): reason}
    assert reasons(store, "analysis") == {}
    assert diagnostics(store)["replaced_members"].to_numpy().tolist() == [0, 0, 1, 1, 1, 3, 3]
    assert (
        "replaced members: 3, background of cycle 2 member 4, background of cycle 5 member 0, "
        "background of cycle 5 member 9" in describe(store).text
    )
    figure("1 and 2 of 10 members lost: told, replaced, named in the store; the run goes on")


def test_row_51_before_a_member_breaks_nothing_is_changed(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole.zarr", tmp_path / "broken.zarr"
    run_telling(whole, ensemble_run(BrokenAt({}), NONE_REPLACED))
    run_telling(broken, ensemble_run(BrokenAt({5: (0,)})))
    before, after = (open_cycles(path)["lorenz_96"].to_numpy() for path in (whole, broken))
    np.testing.assert_array_equal(before[:5], after[:5])
    assert not np.array_equal(before[5, 0], after[5, 0])
    found, expected = (
        open_cycles(path, "background")["lorenz_96"].to_numpy()[5] for path in (broken, whole)
    )
    np.testing.assert_array_equal(found[1:], expected[1:])


@pytest.mark.parametrize(
    ("broken", "members", "told"),
    [
        ({2: (0, 1, 2)}, MEMBERS, "3 of 10 members .* 2 may be replaced"),
        ({2: tuple(range(MEMBERS))}, MEMBERS, "400 such values|two plausible members"),
        ({2: (0,)}, 1, "two plausible members are needed"),
        ({0: (0, 1), 2: (0, 1)}, MEMBERS, "2 members have been replaced before, and 3 may be"),
    ],
    ids=["more than the share", "all members", "a single member", "more than the total"],
)
def test_row_51_more_than_the_limit_stops_the_run_before_anything_is_made_of_it(
    broken: dict[int, tuple[int, ...]], members: int, told: str, tmp_path: Path
) -> None:
    store = tmp_path / "run.zarr"
    with pytest.raises(BadStateError, match=f"background of cycle 2: member 0 has .*({told})"):
        run_telling(store, ensemble_run(BrokenAt(broken), members=members))
    assert complete_cycles(store) == 2


@pytest.fixture(scope="module")
def digest_with_replaced(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of a run that was not stopped."""
    folder = tmp_path_factory.mktemp("whole")
    assert run_small(folder / "run.zarr", ensemble_run(BrokenAt({2: (4,), 5: (0, 9)}))) == 0
    return folder_digest(folder)


@pytest.mark.parametrize("ended_in", [2, 3, 6])
def test_row_51_a_run_with_replaced_members_ends_with_the_same_bits_when_it_was_stopped(
    ended_in: int, digest_with_replaced: str, tmp_path: Path
) -> None:
    stopped, experiment = tmp_path / "run.zarr", ensemble_run(BrokenAt({2: (4,), 5: (0, 9)}))

    def lost(cycle: int) -> ObservationBatch:
        if cycle == ended_in:
            raise KeyboardInterrupt
        return experiment.observe(cycle)

    with pytest.raises(KeyboardInterrupt):
        run_small(stopped, replace(experiment, observe=lost))
    assert complete_cycles(stopped) == ended_in
    assert run_small(stopped, experiment) == 0
    assert folder_digest(tmp_path) == digest_with_replaced


def test_row_51_the_total_is_remembered_by_a_run_that_goes_on(tmp_path: Path) -> None:
    store, rule = tmp_path / "run.zarr", ReplacementRule(0.2, 2)
    experiment = ensemble_run(BrokenAt({2: (4,), 5: (0, 9)}), rule)
    for _ in range(2):
        with pytest.raises(BadStateError, match=r"cycle 5: .* 1 members have been replaced"):
            run_small(store, experiment)
        assert complete_cycles(store) == 5


def observe_temperature(_: int) -> ObservationBatch:
    """One observation of the temperature, in which all members agree."""
    one, whole = jnp.ones(1), jnp.zeros(1, jnp.int32)
    return ObservationBatch(
        *(280 * one, one, 20 * one, 90 * one, 0.5 * one, whole, 0 * one, whole, whole, whole)
    )


def humid_run(
    driest: float,
    bounds: Literal["none", "clip", "conserve_mean"] = "none",
    rule: ReplacementRule = RULE,
) -> CyclingExperiment:
    """A LETKF with inflation 1.6; one member is so dry at one point, where others have 1 g/kg."""
    values = np.full((MEMBERS, *HUMID.shape), 0.001, np.float32)
    values[..., :2], values[..., 4] = 280.0, 1.0e5
    values[3, 1, 2, 3] = driest
    return CyclingExperiment(
        parts=CycleParts(
            FunctionForecastModel(lambda state: state, HUMID),
            LETKF(interpolation_operator, inflation=1.6),
            6,
            lambda batch, background: batch,
            physical_bounds=bounds,
            replacement=rule,
            operator_for=interpolation_operator,
        ),
        initial=State(jnp.asarray(values), HUMID),
        start=START,
        cycles=1,
        observe=observe_temperature,
    )


LOWEST = 0.001 - 0.0065 / 1.54
"""So dry that the inflation of the filter makes 0.001 − 0.1 d − 1.6 · 0.9 d = −0.0055 of it."""


def test_row_51_a_humidity_that_a_filter_made_impossible_does_not_end_the_run(
    tmp_path: Path, figure: Callable[[str], None]
) -> None:
    store = tmp_path / "run.zarr"
    (told,) = run_telling(store, humid_run(LOWEST))
    assert told.startswith(
        "analysis of cycle 0: member 3 has specific_humidity at level 1 = -0.0055"
    )
    assert reasons(store, "analysis") == {(0, 3): 2 + HUMID.variables.index("specific_humidity")}
    assert diagnostics(store)["replaced_members"].to_numpy().tolist() == [1]
    analysed = open_cycles(store)["specific_humidity"].to_numpy()[0, :, 1]
    assert analysed[:, 1, 2].min() > 0.0
    figure("humidity of -0.0055 kg/kg in one member: replaced, the run goes on")
    with pytest.raises(BadStateError, match=r"analysis of cycle 0: member 3 .* -0\.0055"):
        run_telling(tmp_path / "strict.zarr", humid_run(LOWEST, rule=NONE_REPLACED))


@pytest.mark.parametrize(("bounds", "water"), [("clip", True), ("conserve_mean", False)])
def test_analyses_keep_to_physical_limits_and_the_store_says_what_that_added(
    bounds: Literal["clip", "conserve_mean"], water: bool, tmp_path: Path
) -> None:
    free, kept = tmp_path / "free.zarr", tmp_path / "kept.zarr"
    assert run_telling(free, humid_run(-0.002)) == []
    assert run_telling(kept, humid_run(-0.002, bounds)) == []
    before, after = (open_cycles(path)["specific_humidity"].to_numpy()[0] for path in (free, kept))
    assert before.min() < -0.002
    assert after.min() == 0.0
    np.testing.assert_allclose(
        after.mean(axis=0),
        np.maximum(before, 0).mean(axis=0) if water else before.mean(axis=0),
        rtol=1e-6,
    )
    told = diagnostics(kept).isel(time=0)
    assert float(told["beyond_limits"]) == pytest.approx(1 / (MEMBERS * 4 * 4 * 2))
    assert (float(told["water_added"]) > 1e-4) == water
    assert diagnostics(free)["beyond_limits"].to_numpy().tolist() == [0.0]


def test_what_a_solver_tells_stays_in_the_report_of_an_analysis_that_was_moved(
    tmp_path: Path,
) -> None:
    made = humid_run(-0.002, "clip")

    def half_solved(*given: Any) -> tuple[State, AnalysisDiagnostics]:
        analysis, report = made.parts.analysis(*given)
        return analysis, replace(report, effort=Effort(jnp.float32(50), jnp.float32(3)))

    store = tmp_path / "run.zarr"
    (told,) = run_telling(store, with_parts(made, analysis=half_solved))
    assert "3 times its tolerance" in told
    found = diagnostics(store).isel(time=0)
    assert float(found["beyond_limits"]) > 0
    assert float(found["solver_residual"]) == 3.0


@pytest.mark.parametrize("bounds", ["none", "clip", "conserve_mean"])
def test_where_no_limit_is_touched_bounds_change_no_bit_of_a_run(
    bounds: Literal["none", "clip", "conserve_mean"], tmp_path: Path
) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "bounded").mkdir()
    run_telling(tmp_path / "plain" / "run.zarr", humid_run(0.0015, rule=NONE_REPLACED))
    run_telling(tmp_path / "bounded" / "run.zarr", humid_run(0.0015, bounds))
    assert folder_digest(tmp_path / "plain") == folder_digest(tmp_path / "bounded")
