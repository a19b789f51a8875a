"""Variances of grid points in the units of observations, against H Σ Hᵀ."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.observations.batch import ObservationBatch, Vertical
from align_da.observations.error_propagation import equivalent_variance
from align_da.observations.function_operator import FunctionOperator
from align_da.observations.interpolation import interpolation_operator
from align_da.observations.wind_speed import wind_speed_operator

LAYOUT = Layout(
    Grid(
        tuple(np.linspace(-75, 75, 6).tolist()),
        tuple((np.arange(8) * 45.0).tolist()),
        VerticalCoordinate("sigma", (0.3, 0.6, 0.9)),
    ),
    ("u_component_of_wind", "v_component_of_wind", "surface_pressure"),
)
COUNT = 7
RANDOM = np.random.default_rng(0)
STATE = State(jnp.asarray(5 + RANDOM.normal(size=LAYOUT.shape), jnp.float32), LAYOUT)
VARIANCE = jnp.asarray(RANDOM.uniform(0.5, 2.0, LAYOUT.shape), jnp.float32)
# On a point, within a cell, beyond the last row, on the pole, above the top and below the ground.
BATCH = ObservationBatch(
    value=jnp.zeros(COUNT),
    error=jnp.ones(COUNT),
    latitude=jnp.asarray([15.0, 20.0, 85.0, 90.0, -80.0, 3.0, 10.0]),
    longitude=jnp.asarray([45.0, 60.0, 100.0, 10.0, 359.0, 200.0, 22.5]),
    level=jnp.asarray([0.6, 0.45, 0.7, 0.31, 0.1, 0.95, 0.7]),
    vertical=jnp.full(COUNT, int(Vertical.LEVEL), jnp.int32),
    time=jnp.zeros(COUNT),
    variable=jnp.asarray([0, 1, 0, 1, 0, 1, 2], jnp.int32),
    station=jnp.arange(COUNT, dtype=jnp.int32),
    flag=jnp.zeros(COUNT, jnp.int32),
)


def exact(operator: object) -> np.ndarray:
    """The diagonal of H Σ Hᵀ from the whole Jacobian."""
    assert callable(operator)
    jacobian = jax.jacrev(lambda values: operator(State(values, LAYOUT)))(STATE.values)
    return np.asarray((jacobian**2 * VARIANCE).sum(axis=(1, 2, 3)))


def test_interpolation_squares_its_weights_everywhere() -> None:
    operator = interpolation_operator(BATCH, LAYOUT)
    found = equivalent_variance(operator, STATE, VARIANCE)
    np.testing.assert_allclose(found, exact(operator), rtol=1e-5)
    np.testing.assert_allclose(found[0], VARIANCE[3, 1, 1], rtol=1e-6)


def test_wind_across_the_pole_loses_no_variance_to_its_change_of_sign() -> None:
    """Standard deviations through H cancel there: weights of a component sum to nearly 0."""
    pole = replace(BATCH, latitude=jnp.full(COUNT, 90.0), variable=jnp.zeros(COUNT, jnp.int32))
    operator = interpolation_operator(pole, LAYOUT)
    through = operator(State(jnp.sqrt(VARIANCE), LAYOUT)) ** 2
    found = equivalent_variance(operator, STATE, VARIANCE)
    assert float(jnp.min(through)) < 0.02
    assert float(jnp.min(found)) > 0.05


def test_a_mean_of_two_points_has_half_the_variance() -> None:
    between = replace(BATCH, longitude=jnp.full(COUNT, 22.5), latitude=jnp.full(COUNT, 15.0))
    level = replace(between, level=jnp.full(COUNT, 0.6), variable=jnp.zeros(COUNT, jnp.int32))
    found = equivalent_variance(
        interpolation_operator(level, LAYOUT), STATE, jnp.ones(LAYOUT.shape)
    )
    np.testing.assert_allclose(found, 0.5, rtol=1e-5)


@pytest.mark.parametrize("name", ["wind speed", "function"])
def test_the_tangent_of_other_operators_is_drawn(name: str) -> None:
    own = interpolation_operator(BATCH, LAYOUT)
    operator = {
        "wind speed": wind_speed_operator(BATCH, LAYOUT),
        "function": FunctionOperator(lambda values: own(State(values, LAYOUT)) ** 2 / 5),
    }[name]
    found = np.asarray(equivalent_variance(operator, STATE, VARIANCE))
    np.testing.assert_allclose(found, exact(operator), rtol=0.5)  # 64 draws, three errors of 1/6
    assert np.abs(np.log(found / exact(operator))).mean() < 0.2
    np.testing.assert_array_equal(found, equivalent_variance(operator, STATE, VARIANCE))
