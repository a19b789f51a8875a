"""A forecast model that corrects the forecasts of another."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.atmosphere import State
from align_da.errors import InputError
from align_da.forecast import CorrectedForecastModel, Lorenz96ForecastModel

TIME = np.datetime64("1959-01-02T00:00")
PLAIN = Lorenz96ForecastModel()
STATES = State(8.0 + jax.random.normal(jax.random.key(0), (2, *PLAIN.layout.shape)), PLAIN.layout)


def one_more(states: State) -> State:
    return State(states.values + 1, states.layout)


def test_every_window_is_corrected_at_its_end() -> None:
    corrected = CorrectedForecastModel(PLAIN, one_more, 12)
    found = corrected.forecast(STATES, TIME, 24)
    half = one_more(PLAIN.forecast(STATES, TIME, 12))
    expected = one_more(PLAIN.forecast(half, TIME + np.timedelta64(12, "h"), 12))
    np.testing.assert_array_equal(np.asarray(found.values), np.asarray(expected.values))


def test_a_correction_of_nothing_changes_nothing() -> None:
    corrected = CorrectedForecastModel(PLAIN, lambda states: states, PLAIN.step_hours)
    found = corrected.forecast(STATES, TIME, PLAIN.step_hours)
    plain = PLAIN.forecast(STATES, TIME, PLAIN.step_hours)
    np.testing.assert_array_equal(np.asarray(found.values), np.asarray(plain.values))
    assert jnp.any(found.values != STATES.values)


def test_a_lead_between_two_corrections_is_refused() -> None:
    corrected = CorrectedForecastModel(PLAIN, one_more, 12)
    with pytest.raises(InputError, match="12"):
        corrected.forecast(STATES, TIME, 18)
