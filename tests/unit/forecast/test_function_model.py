"""A forecast model of a function of one step; its contract is tested with the others."""

import jax.numpy as jnp
import numpy as np
import pytest

from align_da.atmosphere import Layout, State, limited_area, periodic_line
from align_da.errors import InputError
from align_da.forecast import FunctionForecastModel

TIME = np.datetime64("2000-01-01")
AREA = Layout(limited_area((40.0, 41.0, 42.0), (-2.0, -1.0, 0.0, 1.0)), ("abstract_field",))


def test_every_member_is_advanced_by_as_many_steps_as_the_lead_has() -> None:
    model = FunctionForecastModel(lambda values: 2 * values, AREA, step_hours=3)
    values = jnp.arange(24.0).reshape(2, *AREA.shape)
    found = model.forecast(State(values, AREA), TIME, 9)
    np.testing.assert_array_equal(found.values, 8 * values)
    assert found.layout == AREA


def test_the_function_sees_one_state_and_its_neighbours() -> None:
    layout = Layout(periodic_line(5), ("abstract_field",))
    model = FunctionForecastModel(lambda values: jnp.roll(values, 1, axis=1), layout)
    values = jnp.arange(10.0).reshape(2, 1, 5, 1)
    found = model.forecast(State(values, layout), TIME, 12)
    np.testing.assert_array_equal(found.values[1, 0, :, 0], [8, 9, 5, 6, 7])


def test_a_function_that_gives_another_shape_is_refused() -> None:
    model = FunctionForecastModel(lambda values: values[..., 0], AREA)
    with pytest.raises(InputError, match=r"expected a step that gives \(3, 4, 1\) float32"):
        model.forecast(State(jnp.zeros((1, *AREA.shape)), AREA), TIME, 6)
