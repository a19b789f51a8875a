"""Lorenz (1996): the equation, the order of its integration, its chaos and its derivative."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.atmosphere import State
from align_da.forecast import Lorenz96ForecastModel
from align_da.forecast.lorenz96 import SIZE, tendency

TIME = np.datetime64("2000-01-01")


@pytest.fixture(scope="module")
def model() -> Lorenz96ForecastModel:
    return Lorenz96ForecastModel()


def run(model: Lorenz96ForecastModel, x: jax.Array, days: int) -> jax.Array:
    state = State(x[:, None, :, None], model.layout)
    return model.forecast(state, TIME, 24 * days).values[:, 0, :, 0]


def test_tendency_is_that_of_the_equation() -> None:
    x = np.random.default_rng(0).normal(size=SIZE)
    expected = [(x[(i + 1) % 40] - x[i - 2]) * x[i - 1] - x[i] + 8.0 for i in range(SIZE)]
    np.testing.assert_allclose(tendency(jnp.asarray(x), 8.0), expected, rtol=1e-5)


def test_the_state_equal_to_the_forcing_is_at_rest(model: Lorenz96ForecastModel) -> None:
    rest = jnp.full((1, SIZE), 8.0)
    np.testing.assert_allclose(run(model, rest, 10), rest, rtol=1e-6)


def test_climate_has_the_published_mean_and_spread(model: Lorenz96ForecastModel) -> None:
    # Lorenz and Emanuel 1998, J. Atmos. Sci. 55, 399-414: mean 2.3, standard deviation 3.6.
    x = 8.0 + jax.random.normal(jax.random.key(1), (50, SIZE))
    sample = jnp.concatenate([run(model, x, days) for days in (50, 60, 70, 80)])
    assert float(sample.mean()) == pytest.approx(2.3, abs=0.15)
    assert float(sample.std()) == pytest.approx(3.6, abs=0.15)


def test_small_errors_double_in_about_two_days(model: Lorenz96ForecastModel) -> None:
    # Lorenz 1996: doubling in 2.1 days at forcing 8.
    x = run(model, 8.0 + jax.random.normal(jax.random.key(2), (200, SIZE)), 50)
    other = x + 1e-3 * jax.random.normal(jax.random.key(3), x.shape)
    growth = [
        float(jnp.log(jnp.linalg.norm(run(model, other, d) - run(model, x, d), axis=1)).mean())
        for d in (4, 8)
    ]
    assert 4 * np.log(2) / (growth[1] - growth[0]) == pytest.approx(2.1, abs=0.6)


def test_derivatives_flow_through_a_forecast(model: Lorenz96ForecastModel) -> None:
    x = run(model, 8.0 + jax.random.normal(jax.random.key(4), (1, SIZE)), 30)
    direction = jax.random.normal(jax.random.key(5), x.shape)

    def forecast(values: jax.Array) -> jax.Array:
        return run(model, values, 1)

    _, tangent = jax.jvp(forecast, (x,), (direction,))
    _, pullback = jax.vjp(forecast, x)
    (adjoint,) = pullback(tangent)
    assert float((adjoint * direction).sum()) == pytest.approx(float((tangent**2).sum()), rel=1e-4)
