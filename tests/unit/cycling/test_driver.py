"""A run in a limited area is stored, goes on, and is read back."""

from dataclasses import replace
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
from align_da.storage.analysis_store import open_cycles
from align_da.storage.manifest import manifest_of

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
