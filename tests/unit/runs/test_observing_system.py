"""When stations report, and what quality control expects of an operator."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from faults.observed_world import LAYOUT
from jaxtyping import Array

from align_da.atmosphere import State
from align_da.atmosphere.dataset import dataset_from_state
from align_da.config import Config
from align_da.errors import ConfigError
from align_da.observations.error_model import InstrumentErrors
from align_da.observations.interpolation import interpolation_operator
from align_da.observations.networks import random_network
from align_da.observations.simulate import planned_observations
from align_da.runs.observing_system import (
    ObservingSystem,
    _sampled_variance,
    observing_system,
    reporting_hours,
)
from align_da.runs.run import Run
from align_da.storage.run_folder import RunFolder


def test_the_variance_of_a_nonlinear_operator_follows_from_past_errors() -> None:
    """Of H x = 3 |x|, far from zero: nine times that of x."""
    network = random_network(LAYOUT.grid, 0.2, jax.random.key(0))
    planned = planned_observations(network, LAYOUT, InstrumentErrors())
    linear = interpolation_operator(planned, LAYOUT)

    def operator(state: State) -> Array:
        return 3 * jnp.abs(linear(state))

    errors = State(jax.random.normal(jax.random.key(1), (60, *LAYOUT.shape)), LAYOUT)
    background = State(jnp.full((2, *LAYOUT.shape), 1000.0), LAYOUT)
    used = errors.values[:40]
    expected = 9 * jnp.var(linear(State(used, LAYOUT)), axis=0)
    found = _sampled_variance(operator, background, errors)
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def hourly_run(every_hours: int, states_apart: int = 1) -> Run:
    """Over a truth whose every value is the hour."""
    hours = np.arange(0, 24, states_apart)
    values = jnp.broadcast_to(
        jnp.asarray(hours, jnp.float32)[:, None, None, None], (hours.size, *LAYOUT.shape)
    )
    times = np.datetime64("2000-01-01", "ns") + hours * np.timedelta64(1, "h")
    truth = dataset_from_state(State(values, LAYOUT), {"time": times})
    names = ("wind", "temperature", "humidity", "surface_pressure")
    errors = {f"{name}_error": 1e-6 for name in names}
    config = Config.model_validate({"observations": {"every_hours": every_hours, **errors}})
    return Run(config, RunFolder(Path("nowhere")), truth, LAYOUT)


def at_noon(system: ObservingSystem) -> np.ndarray:
    return np.asarray(system.observe(np.datetime64("2000-01-01T12"), 0).value)


def test_stations_take_turns_and_each_observes_the_truth_of_its_own_hour() -> None:
    system = observing_system(hourly_run(every_hours=1))
    assert system.hours == (-3, -2, -1, 0, 1, 2)
    own = np.asarray(system.planned.time) / 3600
    assert set(own) == set(system.hours)
    np.testing.assert_allclose(at_noon(system), 12 + own, atol=1e-4)
    _, first = np.unique(system.planned.station, return_index=True)
    np.testing.assert_array_equal(own[np.sort(first)][:7], [-3, -2, -1, 0, 1, 2, -3])


def test_without_hours_of_their_own_all_observe_the_valid_time() -> None:
    system = observing_system(hourly_run(every_hours=0, states_apart=6))
    assert not np.any(system.planned.time)
    np.testing.assert_allclose(at_noon(system), 12, atol=1e-4)


def test_hours_lie_within_the_window_and_hold_the_valid_time() -> None:
    config = Config.model_validate({"observations": {"every_hours": 2}})
    assert reporting_hours(config) == (-2, 0, 2)
    of_a_day = {"observations": {"every_hours": 6}, "cycle": {"window_hours": 24}}
    of_a_day |= {"backgrounds": {"lead_hours": (48,)}}
    assert reporting_hours(Config.model_validate(of_a_day)) == (-12, -6, 0, 6)


def test_reports_between_the_states_of_the_truth_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"every_hours = 1 .* 6 hours apart.*world\.step_hours"):
        observing_system(hourly_run(every_hours=1, states_apart=6))
