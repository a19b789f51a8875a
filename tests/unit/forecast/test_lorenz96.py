"""Lorenz (1996): the equation, the order of its integration, its chaos and its derivative."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from align_da.atmosphere import State
from align_da.errors import InputError
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


@pytest.mark.parametrize(("size", "forcing"), [(4, 8.0), (6, 10.0), (40, 8.0), (101, 3.5)])
def test_a_forecast_is_that_of_another_integrator(size: int, forcing: float) -> None:
    def equation(_: float, x: np.ndarray) -> np.ndarray:
        around = [x[(i + 1) % size] - x[i - 2] for i in range(size)]
        return np.asarray([around[i] * x[i - 1] - x[i] + forcing for i in range(size)])

    start = forcing + np.random.default_rng(size).normal(size=size)
    expected = solve_ivp(equation, (0, 0.4), start, rtol=1e-11, atol=1e-11).y[:, -1]
    with jax.enable_x64(True):
        model = Lorenz96ForecastModel(size, step=0.005, forcing=forcing, steps=40)
        states = State(jnp.asarray(start)[None, None, :, None], model.layout)
        found = model.forecast(states, TIME, 12).values[0, 0, :, 0]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_default_is_one_published_step_in_six_hours(model: Lorenz96ForecastModel) -> None:
    assert model.layout.shape == (1, 40, 1)
    x = 8.0 + jax.random.normal(jax.random.key(6), (1, SIZE))
    states = State(x[:, None, :, None], model.layout)
    fine = Lorenz96ForecastModel(step=0.0125, steps=4)
    apart = model.forecast(states, TIME, 6).values - fine.forecast(states, TIME, 6).values
    assert 0 < float(jnp.abs(apart).max()) < 1e-2


def test_what_is_no_such_model_is_refused() -> None:
    with pytest.raises(InputError, match="expected 4 variables or more"):
        Lorenz96ForecastModel(size=3)


def test_the_state_equal_to_the_forcing_is_at_rest(model: Lorenz96ForecastModel) -> None:
    rest = jnp.full((1, SIZE), 8.0)
    np.testing.assert_allclose(run(model, rest, 10), rest, rtol=1e-6)


def test_climate_has_the_published_mean_and_spread(model: Lorenz96ForecastModel) -> None:
    # Lorenz and Emanuel 1998, J. Atmos. Sci. 55, 399-414: mean 2.3, standard deviation 3.6.
    x = 8.0 + jax.random.normal(jax.random.key(1), (50, SIZE))
    sample = jnp.concatenate([run(model, x, days) for days in (50, 60, 70, 80)])
    assert float(sample.mean()) == pytest.approx(2.3, abs=0.15)
    assert float(sample.std()) == pytest.approx(3.6, abs=0.15)


def test_a_nature_run_from_the_start_reaches_the_attractor(model: Lorenz96ForecastModel) -> None:
    start = model.start()
    assert np.ptp(np.asarray(start.values)) == pytest.approx(0.001 * 8.0, rel=1e-3)
    later = np.asarray(model.forecast(start, TIME, 6 * 120).values)
    assert later.std() == pytest.approx(3.6, abs=1.0)


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
