"""A run in a limited area is stored, goes on, and is read back."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from align_da.assimilation.contract import Analysis, AnalysisDiagnostics
from align_da.assimilation.letkf import LETKF, Localisation
from align_da.atmosphere import Layout, State, limited_area
from align_da.atmosphere.dataset import layout_from_dataset, state_from_dataset
from align_da.cycling.cycle import CycleParts, CycleState
from align_da.cycling.cycles import cycles
from align_da.cycling.driver import CyclingExperiment, run_experiment
from align_da.diffusion.effort import Effort
from align_da.forecast import FunctionForecastModel
from align_da.observations.batch import ObservationBatch
from align_da.observations.interpolation import interpolation_operator
from align_da.storage.cycle_costs import read_costs
from align_da.storage.digest import digests_of_files
from align_da.storage.ledger import read_ledger, write_ledger
from align_da.storage.manifest import manifest_of
from align_da.storage.process_usage import Usage
from align_da.storage.store_places import costs_path, ledger_path
from align_da.storage.stored_cycles import open_cycles

LAYOUT = Layout(limited_area((40.0, 41.0, 42.0), (-1.0, 0.0, 1.0, 2.0)), ("abstract_field",))


def observe(cycle: int) -> ObservationBatch:
    """One in the middle of the area."""
    one, whole = jnp.ones(1), jnp.zeros(1, jnp.int32)
    return ObservationBatch(
        value=cycle * one,
        error=one,
        latitude=41.5 * one,
        longitude=0.5 * one,
        level=one,
        vertical=whole,
        time=0 * one,
        variable=whole,
        station=whole,
        flag=whole,
    )


def experiment(count: int, method: Analysis | None = None) -> CyclingExperiment:
    model = FunctionForecastModel(lambda values: 0.9 * values, LAYOUT)
    method = method or LETKF(interpolation_operator, Localisation(1e5))
    first = State(jax.random.normal(jax.random.key(0), (5, *LAYOUT.shape)), LAYOUT)
    start = np.datetime64("2020-01-01", "ns")
    return CyclingExperiment(CycleParts(model, method, 6), first, start, count, observe)


def test_a_run_in_a_limited_area_is_stored_as_it_is_in_memory(tmp_path: Path) -> None:
    made, store = experiment(3), tmp_path / "run.zarr"
    assert run_experiment(made, store, manifest_of({"name": "area"}, 0, {})) == 0
    start = CycleState(made.initial, made.start)
    *_, last = cycles(made.parts, start, map(observe, range(3)))
    with open_cycles(store, "analysis") as dataset:
        assert layout_from_dataset(dataset, limited_area=True) == LAYOUT
        stored = state_from_dataset(dataset, LAYOUT, time=2)
    np.testing.assert_array_equal(stored.values, last.analysis.values)
    with open_cycles(store, "observations") as dataset:
        assert dataset["flag"].to_numpy().tolist() == [[0]] * 3


def half_solved(
    background: State, observations: ObservationBatch, lead_hours: float, key: jax.Array
) -> tuple[State, AnalysisDiagnostics]:
    """A filter that says that it solves a system to three times its tolerance."""
    whole = LETKF(interpolation_operator, Localisation(1e5))
    analysis, report = whole(background, observations, lead_hours, key)
    return analysis, replace(report, effort=Effort(jnp.float32(50), jnp.float32(3)))


def test_a_system_that_is_left_unsolved_is_warned_of_and_stored(tmp_path: Path) -> None:
    told: list[str] = []
    store = tmp_path / "run.zarr"
    run_experiment(
        experiment(2, half_solved), store, manifest_of({"name": "half"}, 0, {}), warn=told.append
    )
    assert [line.split(":")[0] for line in told] == ["cycle 0", "cycle 1"]
    assert "3 times its tolerance" in told[0]
    with open_cycles(store, "diagnostics") as dataset:
        assert dataset["solver_residual"].to_numpy().tolist() == [3.0, 3.0]
        assert dataset["solver_iterations"].to_numpy().tolist() == [50.0, 50.0]


def test_a_filter_solves_no_system_and_warns_of_none(tmp_path: Path) -> None:
    told: list[str] = []
    store = tmp_path / "run.zarr"
    run_experiment(experiment(1), store, manifest_of({"name": "area"}, 0, {}), warn=told.append)
    assert told == []
    with open_cycles(store, "diagnostics") as dataset:
        assert np.isnan(dataset["solver_residual"].to_numpy()).all()


def reading(seconds: float) -> Callable[[], Usage]:
    """Of a process that uses so many seconds of the clock, twice as many of CPU, in a cycle."""
    calls = count()
    return lambda: Usage(seconds * (n := next(calls)), 2 * seconds * n, 10**9)


def run(store: Path, cycles: int, seconds: float = 1.0, **said: bool) -> None:
    """With readings; the manifest knows the number of cycles, as that of a configuration does."""
    manifest = manifest_of({"cycle": {"cycles": cycles}}, 0, {})
    assert (
        run_experiment(experiment(cycles), store, manifest, reading=reading(seconds), **said) == 0
    )


def recorded(store: Path, cycles: int) -> list[tuple[int, float, float, bool]]:
    return [
        (it.cycle, it.wall_seconds, it.cpu_seconds, it.first)
        for it in read_costs(store, cycles).cycles
    ]


def test_every_cycle_leaves_what_it_has_cost(tmp_path: Path) -> None:
    store = tmp_path / "run.zarr"
    run(store, 3)
    assert recorded(store, 3) == [(0, 1.0, 2.0, True), (1, 1.0, 2.0, False), (2, 1.0, 2.0, False)]


def test_runs_that_differ_in_cost_alone_have_equal_bytes(tmp_path: Path) -> None:
    digests = []
    for seconds in (1.0, 5.0):
        store = tmp_path / str(seconds) / "run.zarr"
        run(store, 2, seconds)
        found = digests_of_files(store.parent)
        digests.append({name: found[name] for name in found if name != costs_path(store).name})
    assert digests[0] == digests[1]


def test_a_run_that_goes_on_keeps_the_costs_before_and_marks_its_first_cycle(
    tmp_path: Path,
) -> None:
    store = tmp_path / "run.zarr"
    run(store, 2)
    run(store, 4, 3.0, extend=True)
    assert recorded(store, 4) == [
        (0, 1.0, 2.0, True),
        (1, 1.0, 2.0, False),
        (2, 3.0, 6.0, True),
        (3, 3.0, 6.0, False),
    ]


def test_cycles_that_are_made_again_cost_what_they_have_cost_then(tmp_path: Path) -> None:
    store = tmp_path / "run.zarr"
    run(store, 3)
    ledger = read_ledger(ledger_path(store))
    write_ledger(ledger_path(store), replace(ledger, cycles=ledger.cycles[:1]))
    run(store, 3, 4.0)
    assert [cost[1] for cost in recorded(store, 3)] == [1.0, 4.0, 4.0]


def test_a_finished_run_touches_no_costs_and_needs_none(tmp_path: Path) -> None:
    store = tmp_path / "run.zarr"
    run(store, 2)
    costs_path(store).write_bytes(b"hurt\n")
    run(store, 2)
    assert costs_path(store).read_bytes() == b"hurt\n"
    costs_path(store).unlink()
    run(store, 2)
    assert not costs_path(store).exists()
    run(store, 3, extend=True)
    assert [cost[0] for cost in recorded(store, 3)] == [2]


def test_costs_that_are_damaged_are_told_and_the_run_goes_on(tmp_path: Path) -> None:
    store, told = tmp_path / "run.zarr", list[str]()
    run(store, 2)
    costs_path(store).write_bytes(b"hurt\n" + costs_path(store).read_bytes())
    manifest = manifest_of({"cycle": {"cycles": 3}}, 0, {})
    assert run_experiment(experiment(3), store, manifest, warn=told.append, extend=True) == 0
    assert len(told) == 1
    assert told[0].startswith(f"{costs_path(store)}: 1 lines were not as they had been written")
    assert [cost[0] for cost in recorded(store, 3)] == [0, 1, 2]
