"""Correlated noise: the square root of the correlation of increments."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.prior.increment_correlation import (
    CorrelationRank,
    IncrementCorrelation,
    estimate_correlation,
    no_correlation,
)

SHAPE = (3, 8, 2)
EARTH = 1e9  # metres: a localisation that changes nothing
ALL = CorrelationRank(modes=6, radius=EARTH)
NONE = CorrelationRank(modes=0, radius=EARTH)
ONE_LEAD = jnp.ones(1)


def correlated_cases(count: int, seed: int = 0) -> np.ndarray:
    """Fields smooth in longitude, the second channel a quarter of a turn behind the first."""
    white = np.random.default_rng(seed).normal(size=(count, *SHAPE[:2], 1))
    smooth = white + np.roll(white, 1, axis=2) + 0.5 * np.roll(white, 2, axis=2)
    smooth = smooth + 0.6 * np.roll(smooth, 1, axis=1)
    both = np.concatenate([smooth, np.roll(smooth, 2, axis=2)], axis=-1)
    noise = 0.3 * np.random.default_rng(seed + 1).normal(size=both.shape)
    return (both + noise).astype(np.float32)


@pytest.fixture(scope="module")
def estimated() -> IncrementCorrelation:
    """Every eigenvector kept."""
    return estimate_correlation({6: [correlated_cases(4000)]}, SHAPE, ALL)


def covariance_of(fields: np.ndarray) -> np.ndarray:
    flat = np.asarray(fields, np.float64).reshape(len(fields), -1)
    return flat.T @ flat / len(flat)


def dense(correlation: IncrementCorrelation, share: jax.Array = ONE_LEAD) -> np.ndarray:
    """The matrix of `colour`."""
    units = jnp.eye(np.prod(SHAPE)).reshape(-1, *SHAPE)
    columns = jax.vmap(lambda unit: correlation.colour(unit, share))(units)
    return np.asarray(columns, np.float64).reshape(len(units), -1).T


def test_coloured_white_noise_has_the_covariance_of_the_cases(
    estimated: IncrementCorrelation,
) -> None:
    root = dense(estimated)
    expected = covariance_of(correlated_cases(4000))
    # The cases know no longitude: averaging over it removes their sampling error.
    assert np.abs(root @ root.T - expected).max() < 0.15 * np.abs(expected).max()
    assert np.trace(root @ root.T) == pytest.approx(np.trace(expected), rel=1e-4)


def test_whiten_is_the_inverse_of_colour(estimated: IncrementCorrelation) -> None:
    field = jax.random.normal(jax.random.key(0), SHAPE)
    back = estimated.whitener(ONE_LEAD)(estimated.colour(field, ONE_LEAD))
    np.testing.assert_allclose(back, field, atol=1e-4)


def test_without_vectors_between_rows_the_channels_of_each_row_keep_their_covariance() -> None:
    cases = correlated_cases(2000)
    one = dense(estimate_correlation({6: [cases]}, SHAPE, CorrelationRank(1, EARTH)))
    every = dense(estimate_correlation({6: [cases]}, SHAPE, ALL))
    few, exact = ((root @ root.T).reshape(*SHAPE, *SHAPE) for root in (one, every))
    scale = exact[1, 0, 0, 1, 0, 0]
    for row in range(SHAPE[0]):
        np.testing.assert_allclose(few[row, 0, :, row], exact[row, 0, :, row], atol=0.25 * scale)
    without = estimate_correlation({6: [cases]}, SHAPE, NONE)
    assert np.abs(dense(without) - np.eye(few.size // len(one))).max() < 1e-6


def test_localisation_removes_correlations_between_distant_rows() -> None:
    cases = correlated_cases(500)
    covariance = {}
    for name, radius in (("none", EARTH), ("near", 1.5e6)):
        root = dense(estimate_correlation({6: [cases]}, SHAPE, CorrelationRank(6, radius)))
        covariance[name] = (root @ root.T).reshape(*SHAPE, *SHAPE)[0, 0, 0, :, 0, 0]
    assert abs(covariance["none"][1]) > 0.3 * covariance["none"][0]
    np.testing.assert_allclose(covariance["near"][1:], 0.0, atol=0.01)


def test_lead_times_share_modes_and_have_their_own_variance() -> None:
    cases = correlated_cases(1000)
    both = estimate_correlation({6: [cases], 48: [3 * cases]}, SHAPE, CorrelationRank(3, EARTH))
    field = jax.random.normal(jax.random.key(2), SHAPE)
    young = both.colour(field, jnp.array([1.0, 0.0]))
    old = both.colour(field, jnp.array([0.0, 1.0]))
    np.testing.assert_allclose(old, 3 * young, rtol=1e-3, atol=1e-4)


def test_no_correlation_is_the_identity() -> None:
    field = jax.random.normal(jax.random.key(1), SHAPE)
    identity = no_correlation(SHAPE, leads=2)
    np.testing.assert_allclose(identity.colour(field, jnp.array([0.5, 0.5])), field, atol=1e-6)
    assert estimate_correlation({6: [np.zeros((1, *SHAPE))]}, SHAPE, NONE).modes.size == 0
