"""Correlated observation errors, and weights of those with long tails."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from align_da.errors import InputError
from align_da.observations.batch import Flag, ObservationBatch
from align_da.observations.contract import GaussianErrors, ObservationErrors, RobustErrors
from align_da.observations.correlated_errors import CorrelatedErrors, WhitenedErrors
from align_da.observations.likelihood import Likelihood, likelihood_of
from align_da.observations.robust_errors import Huber, StudentT, weight_at_departure

COUNT = 6
USED = np.array([True, False, True, True, False, True])
_ROOT = np.random.default_rng(0).normal(size=(COUNT, COUNT))
UNITS = np.array([1e3, 1e-3, 1.0, 10.0, 1.0, 1e-2])
COVARIANCE = UNITS[:, None] * (_ROOT @ _ROOT.T + np.eye(COUNT)) * UNITS
DEPARTURE = UNITS * np.random.default_rng(1).normal(size=COUNT)
WHITENING = jnp.asarray(np.linalg.inv(np.linalg.cholesky(COVARIANCE)), jnp.float32)
ERRORS: dict[str, ObservationErrors] = {
    "matrix": CorrelatedErrors(jnp.asarray(COVARIANCE, jnp.float32)),
    "operator": WhitenedErrors(lambda departure: WHITENING @ departure),
}


def batch(error: np.ndarray, flag: np.ndarray | None = None) -> ObservationBatch:
    zero, whole = jnp.zeros(error.size), jnp.zeros(error.size, jnp.int32)
    return ObservationBatch(
        value=jnp.asarray(DEPARTURE[: error.size], jnp.float32),
        error=jnp.asarray(error, jnp.float32),
        latitude=zero,
        longitude=zero,
        level=zero,
        vertical=whole,
        time=zero,
        variable=whole,
        station=whole,
        flag=whole if flag is None else jnp.asarray(flag, jnp.int32),
    )


def likelihood(errors: ObservationErrors, used: np.ndarray = USED) -> Likelihood:
    """With NaN wherever an observation is not used."""
    return Likelihood(
        jnp.asarray(np.where(used, DEPARTURE, np.nan), jnp.float32),
        jnp.asarray(np.where(used, np.diag(COVARIANCE), np.nan), jnp.float32),
        jnp.asarray(used),
        errors=errors,
    )


@pytest.mark.parametrize("used", [USED, np.full(COUNT, True)])
@pytest.mark.parametrize("kind", ERRORS)
def test_the_squared_residual_is_that_of_the_used_rows_of_r(kind: str, used: np.ndarray) -> None:
    assert isinstance(ERRORS[kind], GaussianErrors)
    residual = likelihood(ERRORS[kind], used).residual(jnp.zeros(COUNT))
    rows = np.flatnonzero(used)
    expected = DEPARTURE[rows] @ np.linalg.solve(COVARIANCE[np.ix_(rows, rows)], DEPARTURE[rows])
    assert float(residual @ residual) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("kind", ERRORS)
def test_the_correlation_of_used_errors_is_that_of_r(kind: str) -> None:
    variance = jnp.asarray(np.diag(COVARIANCE), jnp.float32)
    found = ERRORS[kind].correlation(variance, jnp.asarray(USED))
    std = np.sqrt(np.diag(COVARIANCE))
    pairs = USED[:, None] & USED
    expected = np.where(pairs, COVARIANCE / (std[:, None] * std), np.eye(COUNT))
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_nan_in_an_unused_row_of_the_matrix_is_not_seen() -> None:
    broken = COVARIANCE.copy()
    broken[~USED] = broken[:, ~USED] = np.nan
    found = likelihood(CorrelatedErrors(jnp.asarray(broken, jnp.float32)))
    np.testing.assert_array_equal(
        found.residual(jnp.zeros(COUNT)), likelihood(ERRORS["matrix"]).residual(jnp.zeros(COUNT))
    )


def test_the_matrix_keeps_its_correlations_where_variance_is_added() -> None:
    """Errors of representation are independent: the diagonal alone grows."""
    plain = likelihood(ERRORS["matrix"], np.full(COUNT, True))
    larger = replace(plain, variance=3 * plain.variance)
    residual = larger.residual(jnp.zeros(COUNT))
    added = COVARIANCE + 2 * np.diag(np.diag(COVARIANCE))
    expected = DEPARTURE @ np.linalg.solve(added, DEPARTURE)
    assert float(residual @ residual) == pytest.approx(expected, rel=1e-4)


def test_the_errors_may_depend_on_the_observations() -> None:
    error = np.array([1.0, 2.0])

    def nearly_equal(observations: ObservationBatch) -> CorrelatedErrors:
        pairs = observations.error[:, None] * observations.error
        return CorrelatedErrors(pairs * jnp.asarray([[1.0, 0.9], [0.9, 1.0]]))

    found = likelihood_of(batch(error), nearly_equal)
    assert isinstance(found.errors, CorrelatedErrors)
    np.testing.assert_allclose(found.errors.covariance, [[1.0, 1.8], [1.8, 4.0]])


@pytest.mark.parametrize(
    ("covariance", "message"),
    [
        (np.eye(3), r"shape \(2, 2\)"),
        (np.eye(2), "squared `error`"),
        ([[1.0, 0.5], [-0.5, 4.0]], "symmetric"),
        ([[1.0, 2.5], [2.5, 4.0]], "positive definite"),
        ([[1.0, 2.0], [2.0, 4.0]], "add independent errors"),
    ],
)
def test_a_matrix_that_is_not_r_of_these_observations_is_refused(
    covariance: np.ndarray, message: str
) -> None:
    errors = CorrelatedErrors(jnp.asarray(covariance, jnp.float32))
    with pytest.raises(InputError, match=message):
        likelihood_of(batch(np.array([1.0, 2.0])), errors)


def test_rows_of_unused_observations_are_not_checked() -> None:
    errors = CorrelatedErrors(jnp.asarray([[1.0, jnp.nan], [jnp.nan, -3.0]]))
    flag = np.array([Flag.PASS, Flag.MISSING])
    assert likelihood_of(batch(np.array([1.0, 2.0]), flag), errors).errors is errors


@pytest.mark.parametrize("errors", [Huber(1.5), StudentT(4.0)])
def test_the_weight_is_the_slope_of_the_negative_logarithm(errors: RobustErrors) -> None:
    residual = np.array([-7.0, -1.0, 0.1, 1.4, 1.6, 20.0])

    def rho(r: np.ndarray) -> np.ndarray:
        if isinstance(errors, Huber):
            k = errors.threshold
            return np.where(np.abs(r) <= k, r**2 / 2, k * np.abs(r) - k**2 / 2)
        return 2.5 * np.log1p(r**2 / 4)

    slope = (rho(residual + 1e-5) - rho(residual - 1e-5)) / 2e-5
    found = errors.weight(jnp.asarray(residual, jnp.float32))
    np.testing.assert_allclose(found * residual, slope, rtol=1e-4)


@pytest.mark.parametrize(("departure", "expected"), [(12.0, 1 / 8), (4.9, 1.0), (-12.0, 1 / 8)])
def test_the_weight_of_a_departure_is_that_of_what_an_analysis_leaves(
    departure: float, expected: float
) -> None:
    """Huber with k = 1 and V = 4 R: the analysis moves by 4 √R at most, so that 12 leaves 8."""
    found = weight_at_departure(Huber(1.0), jnp.asarray([departure]), 4.0)
    np.testing.assert_allclose(found, [expected], rtol=1e-4)


def test_near_a_departure_long_tails_are_gaussian_with_a_larger_variance() -> None:
    value = jnp.asarray([0.5, 8.0, jnp.nan])
    used = jnp.asarray([True, True, False])
    tails = Likelihood(value, jnp.asarray([4.0, 4.0, jnp.nan]), used, errors=Huber(1.0))
    near = tails.near(jnp.zeros(3))
    assert near.errors is None
    np.testing.assert_allclose(near.variance[:2], [4.0, 16.0])
    np.testing.assert_allclose(near.residual(jnp.zeros(3)), [0.25, 2.0, 0.0])


def test_a_gaussian_likelihood_is_near_itself() -> None:
    plain = likelihood(ERRORS["matrix"])
    assert plain.near(jnp.zeros(COUNT)) is plain


def test_long_tails_have_no_residual_of_their_own() -> None:
    with pytest.raises(InputError, match=r"Likelihood\.near"):
        likelihood(Huber(1.0)).residual(jnp.zeros(COUNT))


@pytest.mark.parametrize("make", [Huber, StudentT])
def test_a_parameter_that_is_not_positive_is_refused(make: type) -> None:
    with pytest.raises(InputError, match="positive, got 0"):
        make(0.0)


@pytest.mark.parametrize("given", [np.eye(COUNT), 1.5, "huber"], ids=["matrix", "number", "name"])
def test_what_is_no_model_of_errors_is_refused_with_those_that_there_are(given: object) -> None:
    with pytest.raises(InputError, match=r"CorrelatedErrors\(R\).*Huber"):
        likelihood_of(batch(UNITS), lambda _: given)
