"""Without localisation, optimal interpolation is the Kalman update of its sample covariance."""

import jax
import jax.numpy as jnp
import numpy as np

from align_da.assimilation.free_run import FreeRun
from align_da.assimilation.optimal_interpolation import OptimalInterpolation
from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.observations.batch import Flag, ObservationBatch, Vertical
from align_da.observations.interpolation import interpolation_operator

LAYOUT = Layout(
    Grid((0.0,), tuple(9.0 * i for i in range(40)), VerticalCoordinate("index", (1.0,))),
    ("lorenz_96",),
)
EVERYWHERE = 1e12  # metres


def observations(count: int, value: np.ndarray, error: float, unused: int = 0) -> ObservationBatch:
    flag = np.full(count, int(Flag.PASS))
    flag[:unused] = int(Flag.MISSING)
    full = jnp.zeros(count)
    return ObservationBatch(
        value=jnp.asarray(value, jnp.float32),
        error=full + error,
        latitude=full,
        longitude=jnp.linspace(0.0, 350.0, count),
        level=full + 1,
        vertical=jnp.full(count, int(Vertical.LEVEL)),
        time=full,
        variable=jnp.zeros(count, jnp.int32),
        station=jnp.arange(count),
        flag=jnp.asarray(flag),
    )


def method_with(samples: int, radius: float = EVERYWHERE) -> OptimalInterpolation:
    errors = jax.random.normal(jax.random.key(1), (samples, *LAYOUT.shape))
    centred = errors - errors.mean(axis=0)
    return OptimalInterpolation(State(centred, LAYOUT), 1.0, radius, interpolation_operator)


def state(members: int) -> State:
    return State(3 + jax.random.normal(jax.random.key(2), (members, *LAYOUT.shape)), LAYOUT)


def test_the_analysis_of_one_member_equals_the_kalman_update() -> None:
    method, background = method_with(30), state(1)
    batch = observations(11, np.linspace(-1, 4, 11), 0.5)
    analysis, _ = method(background, batch, 6.0, jax.random.key(0))

    operator = interpolation_operator(batch, LAYOUT)
    h = np.asarray(operator(State(jnp.eye(40).reshape(40, *LAYOUT.shape), LAYOUT))).T
    e = np.asarray(method.errors.values).reshape(30, 40).T
    p = e @ e.T / 29
    gain = p @ h.T @ np.linalg.inv(h @ p @ h.T + 0.25 * np.eye(11))
    x = np.asarray(background.values).ravel()
    expected = x + gain @ (np.asarray(batch.value) - h @ x)
    np.testing.assert_allclose(np.asarray(analysis.values).ravel(), expected, atol=2e-4)


def test_two_equal_observations_equal_one_of_half_the_variance() -> None:
    method, background = method_with(30), state(1)
    one = observations(1, np.asarray([2.0]), 0.5)
    two = jax.tree.map(lambda leaf: jnp.repeat(leaf, 2), one)
    sharp = observations(1, np.asarray([2.0]), 0.5 / np.sqrt(2))
    key = jax.random.key(0)
    np.testing.assert_allclose(
        method(background, two, 6.0, key)[0].values,
        method(background, sharp, 6.0, key)[0].values,
        atol=1e-4,
    )


def test_an_unused_observation_changes_nothing_even_if_it_is_nan() -> None:
    method, background = method_with(30), state(3)
    value = np.linspace(-1, 4, 11)
    broken = value.copy()
    broken[:4] = np.nan
    key = jax.random.key(0)
    clean = method(background, observations(11, value, 0.5, unused=4), 6.0, key)[0]
    dirty = method(background, observations(11, broken, 0.5, unused=4), 6.0, key)[0]
    np.testing.assert_array_equal(clean.values, dirty.values)


def test_without_observations_the_analysis_is_the_background() -> None:
    background = state(3)
    batch = observations(5, np.zeros(5), 0.5, unused=5)
    for method in (method_with(30), FreeRun(interpolation_operator)):
        analysis, diagnostics = method(background, batch, 6.0, jax.random.key(0))
        np.testing.assert_array_equal(analysis.values, background.values)
        assert diagnostics.chi_square == 0


def test_localisation_leaves_distant_points_alone() -> None:
    background = state(1)
    batch = observations(1, np.asarray([9.0]), 0.5)
    analysis, _ = method_with(30, radius=1.5e6)(background, batch, 6.0, jax.random.key(0))
    moved = np.abs(np.asarray(analysis.values - background.values)).ravel()
    assert moved[0] > 0.1
    assert np.all(moved[4:37] == 0)  # more than 3000 km away
