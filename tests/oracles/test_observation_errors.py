"""Correlated observation errors and errors with long tails, against posteriors known otherwise."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from align_da.assimilation.contract import Analysis
from align_da.assimilation.latent_score import LatentScoreAnalysis
from align_da.assimilation.latent_three_d_var import LatentThreeDVar
from align_da.assimilation.letkf import LETKF, Localisation
from align_da.assimilation.optimal_interpolation import OptimalInterpolation
from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.atmosphere.localisation import gaspari_cohn, great_circle_distance
from align_da.config import GuidanceConfig, SamplerConfig
from align_da.errors import InputError
from align_da.guidance.krylov import Krylov
from align_da.guidance.sda import sda_guidance
from align_da.observations.batch import Flag, ObservationBatch, Vertical
from align_da.observations.contract import ErrorsFor, ObservationErrors, RobustErrors
from align_da.observations.correlated_errors import CorrelatedErrors, WhitenedErrors
from align_da.observations.interpolation import interpolation_operator
from align_da.observations.likelihood import Likelihood
from align_da.observations.robust_errors import Huber, StudentT
from align_da.prior.background_errors import prior_from_covariance
from align_da.prior.calibration import background_factor
from align_da.prior.latent_prior import LatentPrior
from align_da.prior.representation_error import Representation
from align_da.runs.guidances import build_posterior_sampler
from align_da.verification.linear_gaussian import denoise_white

POINTS = 16
LAYOUT = Layout(
    Grid((0.0,), tuple(22.5 * i for i in range(POINTS)), VerticalCoordinate("index", (1.0,))),
    ("lorenz_96",),
)
_APART = np.abs(np.arange(POINTS)[:, None] - np.arange(POINTS))
B = np.exp(-np.minimum(_APART, POINTS - _APART) / 2.0)
COUNT = 7
PLACES = 2 * np.arange(COUNT)  # a point of the grid each
UNUSED = 3
USED = np.arange(COUNT) != UNUSED
ERROR = np.linspace(0.4, 0.8, COUNT)
R = ERROR[:, None] * np.exp(-_APART[:COUNT, :COUNT] / 3.0) * ERROR
WHITENING = jnp.asarray(np.linalg.inv(np.linalg.cholesky(R)), jnp.float32)
KEY = jax.random.key(0)
MEMBERS = 6
NEAR = Localisation(radius=3e6)  # 2500 km between two points


def whiten(departure: jax.Array) -> jax.Array:
    return WHITENING @ departure


def matrix_of(observations: ObservationBatch) -> CorrelatedErrors:
    """Of the distance between observations, 5000 km between neighbours."""
    place = observations.latitude, observations.longitude
    steps = jnp.abs(place[1][:, None] - place[1]) / 45.0
    pairs = observations.error[:, None] * observations.error
    return CorrelatedErrors(pairs * jnp.exp(-steps / 3.0))


CORRELATED: dict[str, ObservationErrors | ErrorsFor] = {
    "matrix": CorrelatedErrors(jnp.asarray(R, jnp.float32)),
    "operator": WhitenedErrors(whiten),
    "function of the observations": matrix_of,
}
DIAGONAL = CorrelatedErrors(jnp.diag(jnp.asarray(ERROR, jnp.float32) ** 2))


def observations(value: np.ndarray | None = None) -> ObservationBatch:
    """At points of the grid; the one that is not used is NaN."""
    full = jnp.ones(COUNT)
    drawn = np.random.default_rng(1).normal(size=COUNT) if value is None else value
    return ObservationBatch(
        value=jnp.asarray(np.where(USED, drawn, np.nan), jnp.float32),
        error=jnp.asarray(ERROR, jnp.float32),
        latitude=0 * full,
        longitude=jnp.asarray(22.5 * PLACES, jnp.float32),
        level=full,
        vertical=jnp.full(COUNT, int(Vertical.LEVEL)),
        time=0 * full,
        variable=jnp.zeros(COUNT, jnp.int32),
        station=jnp.arange(COUNT, dtype=jnp.int32),
        flag=jnp.where(jnp.asarray(USED), int(Flag.PASS), int(Flag.MISSING)),
    )


def only(index: int, value: float) -> ObservationBatch:
    """One used observation."""
    batch = observations(np.full(COUNT, value))
    flag = jnp.where(jnp.arange(COUNT) == index, int(Flag.PASS), int(Flag.MISSING))
    return replace(batch, flag=flag)


def ensemble(members: int = MEMBERS) -> State:
    return State(jax.random.normal(jax.random.key(2), (members, *LAYOUT.shape)), LAYOUT)


@cache
def prior() -> LatentPrior:
    return prior_from_covariance(LAYOUT, B)


def three_d_var(outer: int = 1) -> LatentThreeDVar:
    return LatentThreeDVar(prior(), interpolation_operator, outer=outer, inner=20, tolerance=1e-5)


def optimal_interpolation() -> OptimalInterpolation:
    drawn = jax.random.normal(jax.random.key(3), (30, *LAYOUT.shape))
    return OptimalInterpolation(
        State(drawn - drawn.mean(axis=0), LAYOUT), 1.0, 1e12, interpolation_operator
    )


@cache
def jfps() -> LatentScoreAnalysis:
    posterior = build_posterior_sampler(
        GuidanceConfig(method="jfps", iterations=8), SamplerConfig(kind="heun", steps=16)
    )
    return LatentScoreAnalysis(prior(), posterior, interpolation_operator, MEMBERS)


ETKF = LETKF(interpolation_operator)
METHODS: dict[str, Callable[[], Analysis]] = {
    "3d_var": lambda: three_d_var(outer=10),
    "optimal_interpolation": optimal_interpolation,
    "etkf": lambda: ETKF,
    "letkf": lambda: replace(ETKF, localisation=NEAR),
    "jfps": jfps,
}


def analyse(
    method: Analysis,
    batch: ObservationBatch,
    errors: ObservationErrors | ErrorsFor | None,
    background: State | None = None,
) -> np.ndarray:
    """Analysis ensemble with these observation errors, [member, point]."""
    with_errors = replace(method, observation_errors=errors)
    analysis, _ = with_errors(background or ensemble(), batch, 6.0, KEY)
    return np.asarray(analysis.values, np.float64).reshape(-1, POINTS)


def kalman(p: np.ndarray, x: np.ndarray, batch: ObservationBatch) -> tuple[np.ndarray, np.ndarray]:
    """Mean and gain of the used observations, whose errors have their rows of R."""
    rows = np.flatnonzero(USED)
    places = PLACES[rows]
    innovation = p[np.ix_(places, places)] + R[np.ix_(rows, rows)]
    gain = np.linalg.solve(innovation, p[places]).T
    return x + gain @ (np.asarray(batch.value, np.float64)[rows] - x[places]), gain


@pytest.mark.parametrize("kind", CORRELATED)
def test_three_d_var_of_one_member_is_the_kalman_update_with_that_r(kind: str) -> None:
    background, batch = ensemble(1), observations()
    found = analyse(three_d_var(), batch, CORRELATED[kind], background)[0]
    expected, _ = kalman(B, np.asarray(background.values, np.float64).ravel(), batch)
    independent = analyse(three_d_var(), batch, None, background)[0]
    assert np.abs(expected - independent).max() > 0.1
    np.testing.assert_allclose(found, expected, atol=5e-4)


@pytest.mark.parametrize("kind", ["matrix", "operator"])
def test_perturbed_observations_have_the_errors_of_r(kind: str) -> None:
    """2000 members of one background: K R Kᵀ but for a sampling error of 6 %."""
    background = State(jnp.zeros((2000, *LAYOUT.shape)), LAYOUT)
    rows = np.flatnonzero(USED)
    for method, p in (
        (three_d_var(), B),
        (
            optimal_interpolation(),
            np.cov(
                np.asarray(optimal_interpolation().errors.values, np.float64).reshape(30, -1).T
            ),
        ),
    ):
        found = analyse(method, observations(), CORRELATED[kind], background)
        _, gain = kalman(p, np.zeros(POINTS), observations())
        expected = gain @ R[np.ix_(rows, rows)] @ gain.T
        apart = np.linalg.norm(np.cov(found.T) - expected) / np.linalg.norm(expected)
        assert apart < 0.1


def test_guided_draws_have_mean_and_spread_of_the_posterior_with_that_r() -> None:
    """2048 draws: the sampling error of the mean is 0.02."""
    background, batch = State(jnp.zeros((2048, *LAYOUT.shape)), LAYOUT), observations()
    found = analyse(replace(jfps(), micro_batch=2048), batch, CORRELATED["matrix"], background)
    mean, gain = kalman(B, np.zeros(POINTS), batch)
    spread = np.diag(B - gain @ B[PLACES[USED]])
    assert np.sqrt(np.mean((found.mean(axis=0) - mean) ** 2)) < 0.05
    assert found.var(axis=0).mean() / spread.mean() == pytest.approx(1, abs=0.08)


@pytest.mark.parametrize("kind", CORRELATED)
def test_optimal_interpolation_is_the_kalman_update_with_that_r(kind: str) -> None:
    method, background, batch = optimal_interpolation(), ensemble(1), observations()
    p = np.cov(np.asarray(method.errors.values, np.float64).reshape(30, -1).T)
    expected, _ = kalman(p, np.asarray(background.values, np.float64).ravel(), batch)
    found = analyse(method, batch, CORRELATED[kind], background)[0]
    np.testing.assert_allclose(found, expected, atol=5e-4)


@pytest.mark.parametrize("kind", CORRELATED)
def test_the_etkf_is_the_kalman_filter_with_that_r(kind: str) -> None:
    background, batch = ensemble(), observations()
    members = np.asarray(background.values, np.float64).reshape(MEMBERS, POINTS)
    p = np.cov(members.T)
    mean, gain = kalman(p, members.mean(axis=0), batch)
    found = analyse(ETKF, batch, CORRELATED[kind])
    np.testing.assert_allclose(found.mean(axis=0), mean, atol=5e-4)
    spread = p - gain @ p[PLACES[USED]]
    np.testing.assert_allclose(np.cov(found.T), spread, atol=5e-4)


@pytest.mark.parametrize("kind", CORRELATED)
def test_a_localised_filter_adds_independent_error_with_the_distance(kind: str) -> None:
    """Every point by hand, with R + (1/ρ − 1) diag R of the observations in reach."""
    background, batch = ensemble(), observations()
    members = np.asarray(background.values, np.float64).reshape(MEMBERS, POINTS)
    mean, value = members.mean(axis=0), np.asarray(batch.value, np.float64)
    east = jnp.asarray(LAYOUT.grid.longitude)
    distance = great_circle_distance(0 * east, east, batch.latitude, batch.longitude)
    taper = np.asarray(gaspari_cohn(distance, NEAR.radius), np.float64)
    expected = np.empty_like(mean)
    for point, rho in enumerate(taper):
        rows = np.flatnonzero(USED & (rho > 0))
        r = R[np.ix_(rows, rows)] + np.diag((1 / rho[rows] - 1) * ERROR[rows] ** 2)
        y = (members - mean)[:, PLACES[rows]]
        pull = y @ np.linalg.solve(r, value[rows] - mean[PLACES[rows]])
        precision = (MEMBERS - 1) * np.eye(MEMBERS) + y @ np.linalg.solve(r, y.T)
        expected[point] = mean[point] + (members - mean)[:, point] @ np.linalg.solve(
            precision, pull
        )
    found = analyse(replace(ETKF, localisation=NEAR), batch, CORRELATED[kind]).mean(axis=0)
    assert np.abs(expected - mean).max() > 0.3
    np.testing.assert_allclose(found, expected, atol=5e-4)


def test_an_observation_out_of_reach_is_as_if_it_were_not_there() -> None:
    """Although its error is correlated with that of one within reach."""
    batch, local = observations(), replace(ETKF, localisation=NEAR)
    far = replace(batch, value=batch.value.at[6].add(50.0))
    without = replace(batch, flag=batch.flag.at[6].set(int(Flag.MISSING)))
    moved, missing = (analyse(local, b, CORRELATED["matrix"]) for b in (far, without))
    reached = slice(10, 15)  # within 6000 km of point 12
    np.testing.assert_allclose(moved[:, :10], missing[:, :10], atol=1e-5)
    assert np.abs(moved[:, reached] - missing[:, reached]).max() > 1


@pytest.mark.parametrize("name", METHODS)
def test_a_diagonal_matrix_is_the_same_as_independent_errors(name: str) -> None:
    method, batch = METHODS[name](), observations()
    found, expected = (analyse(method, batch, errors) for errors in (DIAGONAL, None))
    np.testing.assert_allclose(found, expected, atol=1e-5)


GUIDANCE = {
    "dps": GuidanceConfig(method="dps"),
    "mmps": GuidanceConfig(method="mmps", iterations=4),
    "jfps": GuidanceConfig(method="jfps", iterations=4),
    "repaint": GuidanceConfig(method="repaint"),
    "split_gibbs": GuidanceConfig(method="split_gibbs", iterations=4),
}
FEW = SamplerConfig(kind="dpm_solver", steps=4)


def draw(
    method: GuidanceConfig, operator: Callable[[jax.Array], jax.Array], likelihood: Likelihood
) -> jax.Array:
    sample = build_posterior_sampler(method, FEW)
    return jax.jit(lambda: sample(denoise_white, operator, likelihood, KEY, LAYOUT.shape))()


def observe(z: jax.Array) -> jax.Array:
    """Mixes and bends what it observes."""
    mixed = z.ravel() + 0.5 * jnp.roll(z.ravel(), 1)
    return (mixed + 0.1 * jnp.sin(mixed))[PLACES]


def likelihood(errors: ObservationErrors | None, used: np.ndarray = USED) -> Likelihood:
    value = np.random.default_rng(4).normal(size=COUNT)
    return Likelihood(
        jnp.asarray(np.where(used, value, np.nan), jnp.float32),
        jnp.asarray(ERROR, jnp.float32) ** 2,
        jnp.asarray(used),
        jnp.full(COUNT, 1.25),
        errors,
    )


@pytest.mark.parametrize("name", GUIDANCE)
def test_guidance_with_r_is_guidance_with_white_observations(name: str) -> None:
    whole = likelihood(CORRELATED["matrix"], np.full(COUNT, True))
    white = replace(whole, value=WHITENING @ whole.value, variance=jnp.ones(COUNT), errors=None)
    found = draw(GUIDANCE[name], observe, whole)
    expected = draw(GUIDANCE[name], lambda z: WHITENING @ observe(z), white)
    np.testing.assert_allclose(found, expected, atol=2e-4)


@pytest.mark.parametrize("name", ["dps", "mmps", "jfps", "repaint"])
def test_an_unused_observation_is_as_if_it_were_not_there(name: str) -> None:
    """Its row of R too; split Gibbs has another draw of noise where rows are missing."""
    rows = np.flatnonzero(USED)
    plain = likelihood(None)
    fewer = Likelihood(
        plain.value[rows],
        plain.variance[rows],
        plain.used[rows],
        plain.prior_variance[rows],
        CorrelatedErrors(jnp.asarray(R[np.ix_(rows, rows)], jnp.float32)),
    )
    found = draw(GUIDANCE[name], observe, likelihood(CORRELATED["operator"]))
    expected = draw(GUIDANCE[name], lambda z: observe(z)[rows], fewer)
    np.testing.assert_allclose(found, expected, atol=5e-4)


@pytest.mark.parametrize("kind", ["matrix", "operator"])
def test_sda_shift_is_the_score_of_its_gaussian(kind: str) -> None:
    """σ² D' Aᵀ (R + γ V σ²/(1+σ²))⁻¹ (y − A D) with D' = 1 / (1 + σ²), A a mask."""
    sigma, gamma = 0.7, 4.0
    known = likelihood(CORRELATED[kind])
    noisy = jnp.linspace(-1.0, 1.0, POINTS).reshape(LAYOUT.shape)
    guide = sda_guidance(gamma, Krylov(1e-5, 100))
    guided = guide(denoise_white, lambda z: z.ravel()[PLACES], known)
    share = sigma**2 / (1 + sigma**2)
    rows = np.flatnonzero(USED)
    s = R[np.ix_(rows, rows)] + gamma * 1.25 * share * np.eye(rows.size)
    mean = np.asarray(noisy, np.float64).ravel() / (1 + sigma**2)
    expected = np.zeros(POINTS)
    expected[PLACES[rows]] = share * np.linalg.solve(
        s, np.asarray(known.value, np.float64)[rows] - mean[PLACES[rows]]
    )
    found = np.asarray(jax.jit(guided)(noisy, jnp.float32(sigma))).ravel() - mean
    np.testing.assert_allclose(found, expected, atol=1e-4)


TAILS: dict[str, RobustErrors] = {"huber": Huber(1.0), "student": StudentT(4.0)}


def negative_logarithm(errors: RobustErrors, r: np.ndarray) -> np.ndarray:
    """ρ(r), written again."""
    if isinstance(errors, Huber):
        k = errors.threshold
        return np.where(np.abs(r) <= k, r**2 / 2, k * np.abs(r) - k**2 / 2)
    assert isinstance(errors, StudentT)
    return (errors.degrees + 1) / 2 * np.log1p(r**2 / errors.degrees)


@pytest.mark.parametrize("tails", TAILS)
def test_three_d_var_finds_the_mode_of_the_posterior(tails: str) -> None:
    """Against a minimiser of J; one observation has a gross error."""
    value = np.random.default_rng(1).normal(size=COUNT)
    value[1] = 9.0
    background, batch = State(jnp.zeros((1, *LAYOUT.shape)), LAYOUT), observations(value)
    inverse, rows = np.linalg.inv(B), np.flatnonzero(USED)

    def cost(x: np.ndarray) -> float:
        r = (value - x[PLACES])[rows] / ERROR[rows]
        return float(0.5 * x @ inverse @ x + negative_logarithm(TAILS[tails], r).sum())

    expected = minimize(cost, np.zeros(POINTS), method="BFGS", options={"gtol": 1e-7}).x
    found = analyse(three_d_var(outer=40), batch, TAILS[tails], background)[0]
    np.testing.assert_allclose(found, expected, atol=2e-3)
    gaussian = analyse(three_d_var(), batch, None, background)[0]
    assert gaussian[PLACES[1]] > 2 * found[PLACES[1]]


@pytest.mark.parametrize("value", [0.5, 3.0, 12.0])
@pytest.mark.parametrize("tails", TAILS)
def test_filter_and_interpolation_find_the_mode_of_one_observation(
    tails: str, value: float
) -> None:
    """By a grid of the scalar posterior whose prior is the ensemble or the sample errors."""
    batch, index = only(2, value), 2
    centred = ensemble().values - ensemble().values.mean(axis=0)
    background = State(centred, LAYOUT)
    place, grid = PLACES[index], np.linspace(-2, 14, 160_001)
    spread = np.asarray(centred, np.float64).reshape(MEMBERS, -1)[:, place].var(ddof=1)
    errors = optimal_interpolation().errors.values
    static = np.asarray(errors, np.float64).reshape(30, -1)[:, place].var(ddof=1)
    for method, variance in ((ETKF, spread), (optimal_interpolation(), static)):
        cost = grid**2 / (2 * variance)
        cost += negative_logarithm(TAILS[tails], (value - grid) / ERROR[index])
        found = analyse(method, batch, TAILS[tails], background).mean(axis=0)[place]
        assert found == pytest.approx(grid[cost.argmin()], abs=5e-3)


@pytest.mark.parametrize("errors", [Huber(1e4), StudentT(1e7)], ids=["huber", "student"])
@pytest.mark.parametrize("name", METHODS)
def test_tails_that_are_out_of_reach_leave_the_gaussian_analysis(
    name: str, errors: RobustErrors
) -> None:
    method, batch = METHODS[name](), observations()
    found, expected = (analyse(method, batch, e) for e in (errors, None))
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("tails", TAILS)
@pytest.mark.parametrize("name", METHODS)
def test_a_gross_error_moves_an_analysis_less(name: str, tails: str) -> None:
    method, batch = METHODS[name](), observations()
    gross = replace(batch, value=batch.value.at[1].add(15.0))

    def moved(errors: RobustErrors | None) -> float:
        with_error, without = (analyse(method, b, errors).mean(axis=0) for b in (gross, batch))
        return float(np.abs(with_error - without).max())

    assert moved(TAILS[tails]) < 0.4 * moved(None)


@pytest.mark.parametrize("name", METHODS)
def test_an_unused_observation_with_long_tails_is_not_seen(name: str) -> None:
    batch = observations()
    other = replace(batch, value=batch.value.at[UNUSED].set(1e3))
    found, expected = (analyse(METHODS[name](), b, TAILS["huber"]) for b in (batch, other))
    np.testing.assert_array_equal(found, expected)


@cache
def sampler_of_one_number(name: str) -> Callable[[Likelihood, jax.Array], jax.Array]:
    """Compiled once for all values with the same tails."""
    config = GuidanceConfig(method=name, iterations=2, repetitions=3 if "split" in name else 1)
    sample = build_posterior_sampler(
        config, SamplerConfig(kind="dpm_solver", steps=20, sigma_max=20.0)
    )

    def draw_one(known: Likelihood, key: jax.Array) -> jax.Array:
        return sample(denoise_white, lambda z: z[0, 0], known, key, (1, 1, 1))

    return jax.jit(jax.vmap(draw_one, in_axes=(None, 0)))


@pytest.mark.parametrize("name", ["jfps", "mmps", "split_gibbs"])
@pytest.mark.parametrize(("tails", "value"), [("huber", 6.0), ("huber", 1.0), ("student", 6.0)])
def test_draws_have_the_moments_of_the_posterior_with_long_tails(
    name: str, tails: str, value: float
) -> None:
    """One number observed with error 0.5; without `prior_variance` the mean is 0.5 off at 6.

    With two modes, as Student's t has there, split Gibbs stays too long in the other one.
    """
    two_modes = tails == "student" and name == "split_gibbs"
    grid = np.linspace(-8, 8, 16_001)
    cost = grid**2 / 2 + negative_logarithm(TAILS[tails], (value - grid) / 0.5)
    weight = np.exp(cost.min() - cost)
    mean = np.average(grid, weights=weight)
    std = np.sqrt(np.average((grid - mean) ** 2, weights=weight))
    known = Likelihood(
        jnp.array([value]), jnp.array([0.25]), jnp.full(1, True), jnp.ones(1), TAILS[tails]
    )
    drawn = sampler_of_one_number(name)(known, jax.random.split(jax.random.key(1), 1000))
    assert float(drawn.mean()) == pytest.approx(mean, abs=0.6 if two_modes else 0.2)
    assert float(drawn.std()) == pytest.approx(std, rel=0.15)


def test_repaint_refuses_long_tails() -> None:
    with pytest.raises(InputError, match="fits every observation"):
        draw(GUIDANCE["repaint"], observe, likelihood(Huber(1.0)))


def test_gross_errors_pass_less_for_errors_of_the_background() -> None:
    """1 % of 2000 observations err by 10 standard deviations; the factor is 1 without them."""
    random, count = np.random.default_rng(0), 2000
    value = np.sqrt(2) * random.normal(size=count)
    value[:20] += 10.0
    plain = Likelihood(jnp.asarray(value, jnp.float32), jnp.ones(count), jnp.full(count, True))
    gaussian, huber = (
        float(background_factor(replace(plain, errors=e), jnp.zeros(count), jnp.ones(count)))
        for e in (None, Huber(2.0))
    )
    assert gaussian > 1.8
    assert 0.9 < huber < 1.6


def test_nothing_is_added_to_r_that_is_known_by_an_operator() -> None:
    lost = Representation(jnp.asarray([6.0]), jnp.full((1, 1), 0.3))
    method = replace(three_d_var(), prior=replace(prior(), representation=lost))
    with pytest.raises(InputError, match="expected a matrix"):
        analyse(method, observations(), CORRELATED["operator"])
    assert np.isfinite(analyse(method, observations(), CORRELATED["matrix"])).all()
