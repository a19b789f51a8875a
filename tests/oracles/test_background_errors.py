"""B as a matrix, as an operator and as samples: the analysis is the best linear unbiased one."""

from collections.abc import Callable
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.assimilation.latent_score import LatentScoreAnalysis
from align_da.assimilation.latent_three_d_var import LatentThreeDVar
from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.config import GuidanceConfig, SamplerConfig
from align_da.errors import InputError
from align_da.forecast.lorenz96 import Lorenz96ForecastModel
from align_da.observations.batch import Flag, ObservationBatch, Vertical
from align_da.observations.interpolation import interpolation_operator
from align_da.prior.background_errors import (
    prior_from_covariance,
    prior_from_root,
    prior_from_samples,
)
from align_da.prior.latent_prior import LatentPrior
from align_da.prior.matrix_root import square_root
from align_da.runs.guidances import build_posterior_sampler

RING = Lorenz96ForecastModel().layout
"""40 points of a circle: no sphere."""
GLOBE = Layout(
    Grid((-40.0, 40.0), tuple(np.arange(4) * 90.0), VerticalCoordinate("sigma", (0.9,))),
    ("specific_humidity", "surface_pressure"),
)
UNITS = np.tile([1e-3, 300.0], 8)
"""Standard deviations on the globe: kg/kg and Pa, flattened (lat, lon, channel)."""
OBSERVATIONS = 9
KEY = jax.random.key(0)


def correlation(size: int) -> np.ndarray:
    apart = np.abs(np.arange(size)[:, None] - np.arange(size))
    return np.exp(-((np.minimum(apart, size - apart) / 3.0) ** 2)) + 0.01 * np.eye(size)


def covariance(layout: Layout) -> np.ndarray:
    size = int(np.prod(layout.shape))
    std = UNITS if layout is GLOBE else np.ones(size)
    return std[:, None] * correlation(size) * std


def samples(layout: Layout, count: int = 12) -> State:
    draws = np.random.default_rng(1).normal(size=(count, int(np.prod(layout.shape))))
    drawn = draws @ np.linalg.cholesky(covariance(layout)).T + 5.0
    return State(jnp.asarray(drawn, jnp.float32).reshape(count, *layout.shape), layout)


def sample_covariance(layout: Layout) -> np.ndarray:
    values = np.asarray(samples(layout).values, np.float64)
    return np.cov(values.reshape(len(values), -1).T)


def taper() -> np.ndarray:
    return correlation(40) / 1.01


def any_root(z: jax.Array) -> jax.Array:
    """A lower triangle, which is not symmetric."""
    root = jnp.asarray(np.linalg.cholesky(covariance(RING)), jnp.float32)
    return (root @ z.ravel()).reshape(z.shape)


def on_the_ring_by_samples_and_taper() -> LatentPrior:
    return prior_from_samples(samples(RING), jnp.asarray(square_root(taper()), jnp.float32))


PRIORS: dict[str, tuple[Callable[[], LatentPrior], Layout, Callable[[], np.ndarray]]] = {
    "matrix": (
        lambda: prior_from_covariance(RING, covariance(RING)),
        RING,
        lambda: covariance(RING),
    ),
    "matrix in units": (
        lambda: prior_from_covariance(GLOBE, covariance(GLOBE)),
        GLOBE,
        lambda: covariance(GLOBE),
    ),
    "operator": (lambda: prior_from_root(RING, any_root), RING, lambda: covariance(RING)),
    "samples": (
        lambda: prior_from_samples(samples(RING)),
        RING,
        lambda: sample_covariance(RING),
    ),
    "samples in units": (
        lambda: prior_from_samples(samples(GLOBE)),
        GLOBE,
        lambda: sample_covariance(GLOBE),
    ),
    "samples and taper": (
        on_the_ring_by_samples_and_taper,
        RING,
        lambda: sample_covariance(RING) * taper(),
    ),
}


@cache
def prior(kind: str) -> LatentPrior:
    return PRIORS[kind][0]()


def background(layout: Layout, members: int = 1) -> State:
    size = int(np.prod(layout.shape))
    std = UNITS if layout is GLOBE else np.ones(size)
    values = std * np.random.default_rng(2).normal(size=size)
    return State(
        jnp.tile(jnp.asarray(values, jnp.float32), members).reshape(members, *layout.shape), layout
    )


def observations(layout: Layout) -> ObservationBatch:
    """Of either variable on the globe, with errors of half a background error."""
    random, full = np.random.default_rng(3), jnp.ones(OBSERVATIONS)
    variable = np.arange(OBSERVATIONS) % len(layout.variables)
    std = UNITS[variable] if layout is GLOBE else np.ones(OBSERVATIONS)
    latitude = random.uniform(-35, 35, OBSERVATIONS) if layout is GLOBE else np.zeros(OBSERVATIONS)
    return ObservationBatch(
        value=jnp.asarray(std * random.normal(size=OBSERVATIONS), jnp.float32),
        error=jnp.asarray(0.5 * std, jnp.float32),
        latitude=jnp.asarray(latitude, jnp.float32),
        longitude=jnp.asarray(random.uniform(0, 360, OBSERVATIONS), jnp.float32),
        level=layout.grid.vertical.levels[0] * full,
        vertical=jnp.full(OBSERVATIONS, int(Vertical.LEVEL)),
        time=0 * full,
        variable=jnp.asarray(variable, jnp.int32),
        station=jnp.arange(OBSERVATIONS, dtype=jnp.int32),
        flag=jnp.full(OBSERVATIONS, int(Flag.PASS)),
    )


def best_estimate(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the posterior."""
    _, layout, of = PRIORS[kind]
    batch, b = observations(layout), of()
    unit = State(jnp.eye(len(b)).reshape(-1, *layout.shape), layout)
    h = np.asarray(interpolation_operator(batch, layout)(unit), np.float64).T
    r = np.diag(np.asarray(batch.error, np.float64) ** 2)
    gain = np.linalg.solve(h @ b @ h.T + r, h @ b).T
    x = np.asarray(background(layout).values, np.float64).ravel()
    return x + gain @ (np.asarray(batch.value) - h @ x), b - gain @ h @ b


@pytest.mark.parametrize("kind", PRIORS)
def test_three_d_var_gives_the_best_linear_unbiased_estimate(kind: str) -> None:
    layout = PRIORS[kind][1]
    method = LatentThreeDVar(
        prior(kind), interpolation_operator, outer=1, inner=40, tolerance=1e-5
    )
    analysis, _ = method(background(layout), observations(layout), 6.0, KEY)
    std = UNITS if layout is GLOBE else 1.0
    x = np.asarray(background(layout).values).ravel()
    expected, _ = best_estimate(kind)
    assert np.abs((expected - x) / std).max() > 0.5
    np.testing.assert_allclose(
        (np.asarray(analysis.values).ravel() - expected) / std, 0, atol=5e-4
    )


@pytest.mark.parametrize("kind", ["matrix", "operator", "samples", "samples and taper"])
def test_guided_draws_have_mean_and_spread_of_the_posterior(kind: str) -> None:
    """2048 draws: the sampling error of the mean is 0.02; 20 steps widen the variance by 4 %."""
    posterior = build_posterior_sampler(
        GuidanceConfig(method="jfps", iterations=9), SamplerConfig(kind="heun", steps=20)
    )
    method = LatentScoreAnalysis(prior(kind), posterior, interpolation_operator, 2048)
    drawn, _ = method(background(RING, 2048), observations(RING), 6.0, KEY)
    values = np.asarray(drawn.values, np.float64).reshape(2048, -1)
    mean, spread = best_estimate(kind)
    assert np.sqrt(np.mean((values.mean(axis=0) - mean) ** 2)) < 0.05
    assert values.var(axis=0).mean() / np.diag(spread).mean() == pytest.approx(1, abs=0.08)


def test_a_variable_without_background_errors_stays_as_it_is() -> None:
    known = np.repeat([True, False], 20)
    certain = np.where(known[:, None] & known, covariance(RING), 0.0)
    method = LatentThreeDVar(
        prior_from_covariance(RING, certain), interpolation_operator, 1, 40, tolerance=1e-5
    )
    state = background(RING)
    moved = method(state, observations(RING), 6.0, KEY)[0].values - state.values
    np.testing.assert_array_equal(np.asarray(moved).ravel()[~known], 0)
    assert float(jnp.abs(moved).max()) > 0.3


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.eye(3), r"shape \(40, 40\)"),
        (np.eye(40) - 0.5 * np.ones((40, 40)) + np.eye(40), "negative eigenvalues"),
        (np.eye(40) + np.eye(40, k=1), "symmetric"),
    ],
)
def test_a_matrix_that_is_no_covariance_is_refused(matrix: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        prior_from_covariance(RING, matrix)


def test_one_sample_and_a_taper_of_another_grid_are_refused() -> None:
    with pytest.raises(InputError, match="at least two samples"):
        prior_from_samples(samples(RING, 1))
    with pytest.raises(InputError, match=r"shape \(40, 40\)"):
        prior_from_samples(samples(RING), jnp.eye(3))


def test_a_network_is_refused_where_errors_have_no_inverse_root() -> None:
    with pytest.raises(InputError, match="without a network"):
        prior("operator").scaling.whitener(6.0)
