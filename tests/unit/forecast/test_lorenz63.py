"""Lorenz (1963): the equations, their rest points and their climate."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from align_da.atmosphere import State
from align_da.errors import InputError
from align_da.forecast.lorenz63 import Lorenz63ForecastModel, tendency

TIME = np.datetime64("2000-01-01")


def test_tendency_is_that_of_the_equations() -> None:
    x, y, z = 1.0, 2.0, 3.0
    expected = [10 * (y - x), 28 * x - y - x * z, x * y - 8 / 3 * z]
    np.testing.assert_allclose(tendency(jnp.asarray([x, y, z])), expected, rtol=1e-6)


def test_the_centres_of_the_wings_are_at_rest() -> None:
    wing = np.sqrt(8 / 3 * 27)
    for sign in (-1, 1):
        rest = jnp.asarray([sign * wing, sign * wing, 27.0])
        np.testing.assert_allclose(tendency(rest), 0.0, atol=1e-4)


@pytest.mark.parametrize(
    "constants", [(10.0, 28.0, 8 / 3), (10.0, 99.65, 8 / 3), (16.0, 45.92, 4.0)]
)
def test_a_forecast_is_that_of_another_integrator(constants: tuple[float, float, float]) -> None:
    def equations(_: float, state: np.ndarray) -> list[float]:
        x, y, z = state
        sigma, rho, beta = constants
        return [sigma * (y - x), rho * x - y - x * z, x * y - beta * z]

    start = np.asarray([1.509, -1.531, 25.46])
    expected = solve_ivp(equations, (0, 0.5), start, rtol=1e-11, atol=1e-11).y[:, -1]
    with jax.enable_x64(True):
        model = Lorenz63ForecastModel(*constants, step=0.0025, steps=100)
        states = State(jnp.asarray(start)[None, None, :, None], model.layout)
        found = model.forecast(states, TIME, 12).values[0, 0, :, 0]
    np.testing.assert_allclose(found, expected, rtol=2e-5)


def test_a_nature_run_begins_where_lorenz_began() -> None:
    start = np.asarray(Lorenz63ForecastModel().start().values)
    assert start.shape == (1, 1, 3, 1)
    assert start.ravel().tolist() == [0, 1, 0]


def test_no_step_is_refused() -> None:
    with pytest.raises(InputError, match=r"positive steps, got step=0\.0 steps=25"):
        Lorenz63ForecastModel(step=0.0)


def test_climate_is_as_far_from_its_mean_as_published() -> None:
    # DAPPER, mods/Lorenz63/sakov2012.py: RMSE of the climatology 7.6 over the three variables.
    model = Lorenz63ForecastModel()
    noise = jax.random.normal(jax.random.key(1), (400, *model.layout.shape))
    states = State(jnp.asarray([1.509, -1.531, 25.46])[:, None] + noise, model.layout)
    samples = []
    for _ in range(5):
        states = model.forecast(states, TIME, 40 * 24)
        samples.append(states.values)
    climate = jnp.concatenate(samples)
    distance = jnp.sqrt(((climate - climate.mean(axis=0)) ** 2).mean(axis=(1, 2, 3)))
    assert float(distance.mean()) == pytest.approx(7.6, abs=0.2)
