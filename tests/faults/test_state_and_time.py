"""Rows 51 and 52 of the table of faults: states that are lost, and filters that diverge."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from filter_run import CLIMATOLOGY, error_of, filter_experiment, run_filter
from hurt import complete_cycles, folder_digest
from small_run import MODEL, Nudging, run_small, small_experiment, with_parts

from align_da.assimilation.contract import AnalysisDiagnostics
from align_da.atmosphere import Layout, State
from align_da.cycling.driver import CyclingExperiment
from align_da.cycling.watchdog import AlarmRule, Policy
from align_da.errors import BadStateError
from align_da.observations.batch import ObservationBatch
from align_da.storage.store_places import ledger_path
from align_da.storage.stored_cycles import open_cycles
from align_da.storage.verification import verify_store

Figure = Callable[[str], None]
HURT = 2  # the cycle in which something happens


@dataclass
class HurtModel:
    """Lorenz-96 with something done to the forecast of cycle 2."""

    hurt: Callable[[State], State]
    layout: Layout = MODEL.layout
    step_hours: int = 6
    frames: Literal[1, 2] = 1
    differentiable: bool = True
    calls: int = 0

    def forecast(
        self,
        states: State,
        valid_time: np.datetime64,
        lead_hours: int,
        previous: State | None = None,
    ) -> State:
        good, cycle = MODEL.forecast(states, valid_time, lead_hours), self.calls
        self.calls += 1
        return self.hurt(good) if cycle == HURT else good


@dataclass
class HurtAnalysis:
    """Nudging with something done to the analysis of cycle 2."""

    hurt: Callable[[State], State]
    backgrounds: list[State] = field(default_factory=list)

    def __call__(
        self, background: State, observations: ObservationBatch, lead_hours: float, key: jax.Array
    ) -> tuple[State, AnalysisDiagnostics]:
        good, report = Nudging()(background, observations, lead_hours, key)
        self.backgrounds.append(background)
        # The window of cycle 2 is empty, so that cycle 3 is the one that can be hurt.
        return (self.hurt(good) if len(self.backgrounds) == HURT + 2 else good), report


def unharmed(states: State) -> State:
    return states


def with_value(value: float) -> Callable[[State], State]:
    return lambda states: State(states.values.at[1, 0, 7, 0].set(value), states.layout)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e6])
@pytest.mark.parametrize(("part", "cycle"), [("background", HURT), ("analysis", HURT + 1)])
def test_row_51_a_bad_state_stops_the_run_before_anything_is_made_of_it(
    part: str, cycle: int, value: float, tmp_path: Path, figure: Figure
) -> None:
    bad = with_value(value)
    model = HurtModel(bad if part == "background" else unharmed)
    analysis = HurtAnalysis(bad if part == "analysis" else unharmed)
    store = tmp_path / "run.zarr"
    experiment = with_parts(small_experiment(), forecast_model=model, analysis=analysis)
    with pytest.raises(BadStateError, match=f"{part} of cycle {cycle}: member 1 has lorenz_96"):
        run_small(store, experiment)
    assert all(bool(jnp.isfinite(state.values).all()) for state in analysis.backgrounds)
    assert len(analysis.backgrounds) == (HURT if part == "background" else HURT + 2)
    assert complete_cycles(store) == cycle
    assert not list(store.rglob(f"c.{cycle}*"))
    figure("NaN, ±Inf and 1e6 in backgrounds and analyses: nothing written, cycles before kept")


def test_row_51_a_run_that_was_stopped_by_a_bad_state_ends_with_the_same_bits_once_it_is_good(
    tmp_path: Path, expected_digest: str
) -> None:
    store = tmp_path / "run.zarr"
    with pytest.raises(BadStateError):
        run_small(
            store, with_parts(small_experiment(), forecast_model=HurtModel(with_value(np.nan)))
        )
    assert verify_store(store) == ()
    assert run_small(store) == 0
    assert folder_digest(tmp_path) == expected_digest


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_row_3_a_signal_during_a_forecast_is_heard_before_the_analysis(
    number: int, code: int, tmp_path: Path, expected_digest: str
) -> None:
    def signalled(states: State) -> State:
        os.kill(os.getpid(), number)
        return states

    store, analysis = tmp_path / "run.zarr", HurtAnalysis(unharmed)
    experiment = with_parts(
        small_experiment(), forecast_model=HurtModel(signalled), analysis=analysis
    )
    assert run_small(store, experiment) == code
    assert len(analysis.backgrounds) == complete_cycles(store) == HURT
    assert run_small(store) == 0
    assert folder_digest(tmp_path) == expected_digest


def test_row_33_a_method_that_draws_keeps_the_background_of_an_empty_window(
    tmp_path: Path,
) -> None:
    def drawn(
        background: State, observations: ObservationBatch, lead_hours: float, key: jax.Array
    ) -> tuple[State, AnalysisDiagnostics]:
        noise = jax.random.normal(key, background.values.shape)
        _, report = Nudging()(background, observations, lead_hours, key)
        return State(background.values + noise, background.layout), report

    store = tmp_path / "run.zarr"
    assert run_small(store, with_parts(small_experiment(), analysis=drawn)) == 0
    states = [open_cycles(store, group)["lorenz_96"] for group in ("background", "analysis")]
    same = [bool((b == a).all()) for b, a in zip(*states, strict=True)]
    assert same == [cycle == HURT for cycle in range(8)]  # only there is no observation used
    told = open_cycles(store, "diagnostics").isel(time=HURT)
    scalars = ("used_observations", "chi_square", "background_chi_square", "background_variance")
    assert [float(told[name]) for name in scalars] == [0, 0, 0, 0]
    seen = open_cycles(store, "observations").isel(time=HURT)
    np.testing.assert_array_equal(seen["analysis_equivalent"], seen["background_equivalent"])


def errors_of(store: Path, group: str) -> list[float]:
    """Error of the ensemble mean in every cycle."""
    states = open_cycles(store, group)["lorenz_96"].values[:, :, 0, :, :, None]
    return [error_of(values, cycle + 1) for cycle, values in enumerate(states)]


@pytest.mark.parametrize("cycles", [25, pytest.param(150, marks=pytest.mark.long)])
def test_row_52_a_diverging_filter_is_told_before_its_error_is_that_of_climatology(
    cycles: int, tmp_path: Path, figure: Figure
) -> None:
    told: list[str] = []
    store = tmp_path / "run.zarr"
    assert run_filter(store, filter_experiment(cycles, 0.9, error=0.5, spread=0.2), told) == 0
    first = int(told[0].removeprefix("cycle ").split(":")[0])
    error = errors_of(store, "background")
    assert error[first] < 0.5 * CLIMATOLOGY
    assert max(error) > (CLIMATOLOGY if cycles > 100 else error[first])
    figure(
        f"inflation 0.9: told in cycle {first} at an error of {error[first]:.1f}, which grew to "
        f"{max(error):.1f} by cycle {cycles} (climatology {CLIMATOLOGY})"
    )


@pytest.mark.parametrize("cycles", [20, pytest.param(200, marks=pytest.mark.long)])
def test_row_52_a_filter_with_enough_inflation_gives_no_alarm(
    cycles: int, tmp_path: Path, figure: Figure
) -> None:
    told: list[str] = []
    store = tmp_path / "run.zarr"
    assert run_filter(store, filter_experiment(cycles, inflation=1.05), told) == 0
    assert told == []
    assert max(errors_of(store, "analysis")[10:]) < 0.5
    figure(f"inflation 1.05: silent in {cycles} cycles")


def lost(policy: Policy, cycles: int = 14) -> CyclingExperiment:
    """A filter that is wrong by 2 and sure of itself by 0.05 from the start."""
    watchdog = AlarmRule(policy)
    return filter_experiment(cycles, 1.0, error=2.0, spread=0.05, watchdog=watchdog)


def test_row_52_by_policy_the_run_stops_after_a_whole_cycle_and_stays_stopped(
    tmp_path: Path, figure: Figure
) -> None:
    store = tmp_path / "run.zarr"
    with pytest.raises(BadStateError, match=r"cycle 3: .* diverging"):
        run_filter(store, lost("stop"))
    assert complete_cycles(store) == 4
    assert verify_store(store) == ()
    before = folder_digest(tmp_path)
    with pytest.raises(BadStateError, match=r"cycle 3: .* diverging"):
        run_filter(store, lost("stop"))
    assert folder_digest(tmp_path) == before
    figure("policy stop: exit code 5 after 4 cycles, all of them kept")


def test_row_52_by_policy_the_spread_is_inflated_and_the_filter_finds_the_truth(
    tmp_path: Path, figure: Figure
) -> None:
    policies: tuple[Policy, ...] = ("warn", "inflate")
    stores = {policy: tmp_path / f"{policy}.zarr" for policy in policies}
    for policy, store in stores.items():
        run_filter(store, lost(policy, cycles=18))
    left, found = (errors_of(store, "analysis")[-1] for store in stores.values())
    assert found < 0.4 * left
    figure(f"policy inflate: error {found:.2f} after 18 cycles, {left:.2f} without")


def test_row_52_what_the_watchdog_remembers_survives_a_kill(tmp_path: Path) -> None:
    store, experiment = tmp_path / "run.zarr", lost("inflate", cycles=7)
    run_filter(store, experiment)
    ledger, expected = ledger_path(store), folder_digest(tmp_path)
    lines = ledger.read_text().splitlines(keepends=True)
    for complete in (1, 3, 4, 5):  # the background of cycle 4 is inflated because of 0 to 3
        ledger.write_text("".join(lines[: complete + 1]))
        run_filter(store, experiment)
        assert folder_digest(tmp_path) == expected
