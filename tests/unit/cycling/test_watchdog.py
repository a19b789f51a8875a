"""The watchdog has its closed forms."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.assimilation.diagnostics import diagnose
from align_da.atmosphere import State
from align_da.cycling.twin_experiment import observe_everything
from align_da.cycling.watchdog import (
    LARGEST_INFLATION,
    AlarmRule,
    Consistency,
    Watchdog,
    alarm,
    consistency_of,
    inflated,
)
from align_da.forecast.lorenz96 import Lorenz96ForecastModel
from align_da.observations.batch import Flag, ObservationBatch

LAYOUT = Lorenz96ForecastModel().layout
RULE = AlarmRule(cycles=3)
GOOD, BAD = Consistency(1000, 1.05, 0.04), Consistency(1000, 5.0, 0.04)
SILENT = Consistency(0, 0.0, 0.0)


def report(members: np.ndarray, batch: ObservationBatch) -> Consistency:
    state = State(jnp.asarray(members, jnp.float32)[:, None, :, None], LAYOUT)
    diagnostics = diagnose(lambda states: states.values[..., 0, :, 0], batch, state, state)
    return consistency_of(batch, diagnostics)


def test_row_52_means_are_over_used_observations_in_units_of_their_errors() -> None:
    members = np.random.default_rng(0).normal(size=(5, 40))
    plain = observe_everything(LAYOUT, 0.25)
    flag = jnp.where(jnp.arange(40) < 30, plain.flag, int(Flag.PASSIVE))
    value = jnp.where(jnp.arange(40) < 30, 1.0, jnp.nan)
    found = report(members, ObservationBatch(**{**vars(plain), "value": value, "flag": flag}))
    assert found.used_observations == 30
    innovation = 1.0 - members.mean(axis=0)[:30]
    assert found.background_chi_square == pytest.approx(np.mean(innovation**2) / 0.25, rel=1e-5)
    spread = members.var(axis=0, ddof=1)[:30].mean() / 0.25
    assert found.background_variance == pytest.approx(spread, rel=1e-5)


def test_row_52_one_member_and_an_empty_window_are_not_judged() -> None:
    plain = observe_everything(LAYOUT, 0.25)
    alone = report(np.zeros((1, 40)), plain)
    assert math.isnan(alone.background_variance)
    watchdog = Watchdog(RULE, (BAD, BAD))
    for cycle in (alone, SILENT):
        watchdog.remember(cycle)
    assert watchdog.memory == (BAD, BAD)


def test_row_52_a_consistent_ensemble_has_a_factor_and_a_ratio_of_one() -> None:
    random = np.random.default_rng(1)
    truth, background = 2.0, 2.0 + 0.5 * random.normal(size=100_000)
    value = truth + 0.8 * random.normal(size=background.size)
    chi_square = float(np.mean((value - background) ** 2) / 0.64)
    found = Consistency(background.size, chi_square, 0.25 / 0.64)
    assert found.ratio == pytest.approx(1, abs=0.01)
    assert found.factor == pytest.approx(1, abs=0.02)


def test_row_52_alarm_needs_every_remembered_cycle_and_more_than_chance() -> None:
    assert alarm((BAD, BAD), RULE) is None
    assert alarm((BAD, GOOD, BAD), RULE) is None
    assert "10.0 times what it is" in str(alarm((BAD, BAD, BAD), RULE))
    few = Consistency(10, 1.9, 0.01)  # factor 9.5, but so few differ by so much by chance
    assert alarm((few,) * 3, RULE) is None
    assert alarm((Consistency(10, 3.0, 0.0),) * 3, RULE) is not None  # nothing left of the spread


def test_row_52_memory_keeps_the_last_cycles_that_tell_something() -> None:
    watchdog = Watchdog(RULE)
    for cycle in (GOOD, BAD, SILENT, BAD, GOOD):
        watchdog.remember(cycle)
    assert watchdog.memory == (BAD, BAD, GOOD)


@pytest.mark.parametrize(
    ("memory", "factor"),
    [((Consistency(50, 2.0, 0.25),) * 3, 2.0), ((BAD,) * 3, LARGEST_INFLATION)],
)
def test_row_52_inflation_is_what_the_innovations_ask_for_within_bounds(
    memory: tuple[Consistency, ...], factor: float
) -> None:
    state = State(jax.random.normal(jax.random.key(0), (6, *LAYOUT.shape)), LAYOUT)
    found = inflated(state, memory)
    np.testing.assert_allclose(found.values.mean(0), state.values.mean(0), atol=1e-6)
    np.testing.assert_allclose(found.values.std(0), factor * state.values.std(0), rtol=1e-5)
