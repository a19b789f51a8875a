"""Hybrid background errors (the ensemble alone is an ensemble Kalman filter), and their size."""

import math
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scattered_observations import scattered_observations

from align_da.assimilation.latent_score import LatentScoreAnalysis
from align_da.assimilation.latent_three_d_var import LatentThreeDVar
from align_da.assimilation.letkf import LETKF
from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.atmosphere.localisation import gaspari_cohn, great_circle_distance
from align_da.config import GuidanceConfig, SamplerConfig
from align_da.observations.batch import ObservationBatch
from align_da.observations.interpolation import interpolation_operator
from align_da.observations.likelihood import Likelihood
from align_da.prior.background_errors import prior_from_covariance
from align_da.prior.calibration import LARGEST, SMALLEST, background_factor
from align_da.prior.ensemble_errors import taper_root
from align_da.prior.errors_of_the_day import ErrorsOfTheDay
from align_da.prior.hybrid_errors import Hybrid
from align_da.prior.latent_prior import LatentPrior
from align_da.runs.guidances import build_posterior_sampler

GRID = Grid(
    (-70.0, -30.0, 30.0, 70.0), tuple(np.arange(8) * 45.0), VerticalCoordinate("sigma", (0.5,))
)
LAYOUT = Layout(GRID, ("temperature",))
OBSERVATIONS = 5
ERROR = 0.5
MEMBERS = 6
NOT_LOCAL = 1e12  # a radius, metres


def prior() -> LatentPrior:
    """States as their own latents, uncorrelated static errors of standard deviation 1."""
    return prior_from_covariance(LAYOUT, np.eye(math.prod(LAYOUT.shape)))


def ensemble() -> State:
    return State(jax.random.normal(jax.random.key(2), (MEMBERS, *LAYOUT.shape)), LAYOUT)


def observations(count: int = OBSERVATIONS) -> ObservationBatch:
    return scattered_observations(count, ERROR)


def hybrid(share: float, radius: float = NOT_LOCAL) -> Hybrid:
    return Hybrid(taper_root(GRID, 1, radius), share)


def three_d_var(errors: Hybrid | None) -> LatentThreeDVar:
    return LatentThreeDVar(
        prior(),
        interpolation_operator,
        outer=1,
        inner=40,
        errors_of_the_day=ErrorsOfTheDay(errors),
        tolerance=1e-5,
    )


def mean_increment(errors: Hybrid | None) -> np.ndarray:
    background = ensemble()
    analysis, _ = three_d_var(errors)(background, observations(), 6.0, jax.random.key(0))
    return np.asarray((analysis.values - background.values).mean(axis=0))


def test_the_ensemble_alone_moves_the_mean_as_the_etkf_does() -> None:
    background = ensemble()
    etkf, _ = LETKF(interpolation_operator)(background, observations(), 6.0, jax.random.key(0))
    expected = np.asarray((etkf.values - background.values).mean(axis=0))
    assert np.abs(expected).max() > 0.3
    np.testing.assert_allclose(mean_increment(hybrid(1.0)), expected, atol=2e-4)


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_of_the_mean_alone_the_analysis_is_the_mean_of_those_of_all_members(share: float) -> None:
    """With a linear H, whatever the observations of the members are perturbed by."""
    background, method = ensemble(), replace(three_d_var(hybrid(share)), of_mean=True)
    analysis, report = method(background, observations(), 6.0, jax.random.key(0))
    assert analysis.values.shape == (1, *LAYOUT.shape)
    found = np.asarray(analysis.values[0] - background.values.mean(axis=0))
    np.testing.assert_allclose(found, mean_increment(hybrid(share)), atol=2e-4)
    operator = interpolation_operator(observations(), LAYOUT)
    np.testing.assert_allclose(
        report.background_equivalent, operator(background).mean(axis=0), rtol=1e-5
    )


def test_draws_with_the_ensemble_alone_are_those_of_the_etkf() -> None:
    """Mean and spread, with JFPS and no network: the sampling error of the mean is 0.04."""
    copies = 22
    posterior = build_posterior_sampler(
        GuidanceConfig(method="jfps", iterations=8), SamplerConfig(kind="heun", steps=20)
    )
    learned = LatentScoreAnalysis(
        prior(),
        posterior,
        interpolation_operator,
        copies * MEMBERS,
        "mean",
        ErrorsOfTheDay(hybrid(1.0)),
    )
    few = ensemble()
    # The members many times over: as many draws, and the perturbations of the same covariance.
    many = few.values.mean(axis=0) + jnp.tile(
        few.values - few.values.mean(axis=0), (copies, 1, 1, 1)
    )
    scale = ((len(many) - 1) / (copies * (MEMBERS - 1))) ** 0.5
    background = State(few.values.mean(axis=0) + scale * (many - few.values.mean(axis=0)), LAYOUT)
    drawn, _ = learned(background, observations(), 6.0, jax.random.key(1))
    etkf, _ = LETKF(interpolation_operator)(few, observations(), 6.0, jax.random.key(0))
    apart = np.asarray(drawn.values.mean(axis=0) - etkf.values.mean(axis=0))
    assert np.sqrt(np.mean(apart**2)) < 0.08
    ratio = drawn.values.std(axis=0, ddof=1).mean() / etkf.values.std(axis=0, ddof=1).mean()
    assert 0.93 < float(ratio) < 1.07


def test_without_a_share_the_ensemble_changes_nothing() -> None:
    np.testing.assert_allclose(mean_increment(hybrid(0.0)), mean_increment(None), atol=1e-5)


def test_the_root_of_the_taper_gives_the_taper() -> None:
    mesh = np.meshgrid(GRID.latitude, GRID.longitude, indexing="ij")
    latitude, longitude = (jnp.asarray(axis.ravel(), jnp.float32) for axis in mesh)
    taper = gaspari_cohn(
        great_circle_distance(latitude, longitude, latitude, longitude), radius=4e6
    )
    root = taper_root(GRID, 1, 4e6)
    np.testing.assert_allclose(root @ root.T, taper, atol=1e-4)


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_increments_have_the_hybrid_covariance(share: float) -> None:
    errors = hybrid(share, radius=4e6)
    of = errors.applied_to(prior(), ensemble())
    zero = jnp.zeros(LAYOUT.shape)

    def increment(z: jax.Array) -> jax.Array:
        return of.analysis(zero, zero, z, jnp.float32(6.0)).ravel()

    jacobian = jax.jit(jax.jacobian(increment))
    root = jacobian(jnp.zeros(of.control_shape)).reshape(zero.size, -1)
    sample = np.cov(np.asarray(ensemble().values).reshape(MEMBERS, -1).T)
    taper = np.asarray(errors.taper_root @ errors.taper_root.T)
    expected = (1 - share) * np.eye(zero.size) + share * sample * taper
    np.testing.assert_allclose(root @ root.T, expected, atol=1e-4)


def test_a_single_member_has_no_errors_of_its_own() -> None:
    background = State(ensemble().values[:1], LAYOUT)
    method = replace(three_d_var(hybrid(1.0)))
    analysis, _ = method(background, observations(), 6.0, jax.random.key(0))
    np.testing.assert_allclose(analysis.values, background.values, atol=1e-5)


@pytest.mark.parametrize("size", [0.5, 1.0, 2.0])
def test_the_innovations_tell_how_large_background_errors_are(size: float) -> None:
    """3000 observations of variance R + s V: the standard error of s is 4 % and more."""
    random, count = np.random.default_rng(0), 3000
    assumed = random.uniform(0.5, 2.0, count)
    spread = np.sqrt(ERROR**2 + size**2 * assumed)
    likelihood = Likelihood(
        jnp.asarray(spread * random.normal(size=count), jnp.float32),
        jnp.full(count, ERROR**2),
        jnp.full(count, True),
    )
    factor = background_factor(likelihood, jnp.zeros(count), jnp.asarray(assumed, jnp.float32))
    assert float(factor) == pytest.approx(size**2, rel=0.15)


def test_the_factor_has_bounds_and_sees_used_observations_only() -> None:
    ones = jnp.ones(4)
    near = Likelihood(0 * ones, ones, jnp.full(4, True))
    far = replace(near, value=1e3 * ones)
    assert float(background_factor(near, 0 * ones, ones)) == pytest.approx(SMALLEST, rel=1e-3)
    assert float(background_factor(far, 0 * ones, ones)) == pytest.approx(LARGEST, rel=1e-3)
    none = replace(far, value=jnp.nan * ones, used=jnp.full(4, False))
    assert float(background_factor(none, jnp.nan * ones, jnp.nan * ones)) == 1.0


@pytest.mark.parametrize("method", ["latent 3D-Var", "JFPS"])
def test_a_calibrated_analysis_is_that_of_the_prior_with_the_right_amplitude(method: str) -> None:
    """Backgrounds of three times the assumed error; 400 observations of 32 points."""
    truth, batch = ensemble().values[:1], observations(400)
    operator = interpolation_operator(batch, LAYOUT)
    error = ERROR * jax.random.normal(jax.random.key(5), (400,))
    batch = replace(batch, value=operator(State(truth, LAYOUT))[0] + error)
    background = State(
        jnp.repeat(truth + 3 * jax.random.normal(jax.random.key(6), truth.shape), 4, axis=0),
        LAYOUT,
    )

    def analyse(of: LatentPrior, errors_of_the_day: ErrorsOfTheDay) -> tuple[np.ndarray, float]:
        posterior = build_posterior_sampler(
            GuidanceConfig(method="jfps", tolerance=1e-5), SamplerConfig()
        )
        methods = {
            "latent 3D-Var": LatentThreeDVar(
                of, interpolation_operator, 1, 40, errors_of_the_day, tolerance=1e-5
            ),
            "JFPS": LatentScoreAnalysis(
                of, posterior, interpolation_operator, 4, "mean", errors_of_the_day
            ),
        }
        analysis, report = methods[method](background, batch, 6.0, jax.random.key(0))
        return np.asarray(analysis.values), float(report.background_factor)

    found, factor = analyse(prior(), ErrorsOfTheDay(calibrates=True))
    assert factor > 2
    expected, one = analyse(replace(prior(), amplitude=factor**0.5), ErrorsOfTheDay())
    assert one == 1.0
    np.testing.assert_allclose(found, expected, atol=1e-4)
