"""Each guidance against what it is by hand: A a mask or a number, the prior Gaussian."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.errors import InputError
from align_da.guidance.contract import Guidance
from align_da.guidance.dps import dps_guidance
from align_da.guidance.jfps import jfps_guidance
from align_da.guidance.krylov import Krylov
from align_da.guidance.mmps import mmps_guidance
from align_da.guidance.prior_variance import estimate_prior_variance
from align_da.guidance.repaint import repaint_guidance
from align_da.guidance.sda import sda_guidance
from align_da.observations.likelihood import Likelihood

SHAPE = (1, 6, 1)
SOLVER = Krylov(1e-6, 10)
NOISY = jnp.linspace(-2.0, 2.0, 6).reshape(SHAPE)
SIGMA = jnp.float32(0.7)
SEEN = np.array([1, 4])
VALUE = jnp.array([0.5, -1.0])


def _identity(noisy: jax.Array, sigma: jax.Array) -> jax.Array:
    return noisy


def _white(noisy: jax.Array, sigma: jax.Array) -> jax.Array:
    """The exact denoiser of N(0, 1)."""
    return noisy / (1 + sigma**2)


def _mask(z: jax.Array) -> jax.Array:
    return z.ravel()[SEEN]


def _likelihood(variance: float = 0.25, prior_variance: float | None = 1.0) -> Likelihood:
    count = VALUE.size
    return Likelihood(
        VALUE,
        jnp.full(count, variance),
        jnp.full(count, True),
        None if prior_variance is None else jnp.full(count, prior_variance),
    )


@pytest.mark.parametrize("variance", [1e-4, 100.0])
def test_repaint_of_a_mask_is_the_composite_whatever_the_error(variance: float) -> None:
    guided = repaint_guidance(1)(_identity, _mask, _likelihood(variance))
    expected = NOISY.ravel().at[SEEN].set(VALUE).reshape(SHAPE)
    np.testing.assert_allclose(guided(NOISY, SIGMA), expected, atol=1e-4)


def test_repaint_takes_repeated_and_contradicting_observations() -> None:
    likelihood = Likelihood(jnp.array([0.0, 1.0]), jnp.ones(2), jnp.full(2, True))
    guided = repaint_guidance(1)(_identity, lambda z: jnp.repeat(z[0, 2], 2), likelihood)
    np.testing.assert_allclose(guided(NOISY, SIGMA)[0, 2, 0], 0.5, atol=1e-3)


def test_repaint_with_many_repetitions_is_the_exact_conditional_mean() -> None:
    """E[z | x, A z = y] of a correlated Gaussian, by the Kalman formula without error."""
    distance = np.abs(np.arange(6)[:, None] - np.arange(6))
    covariance = np.exp(-(distance**2) / 4.0)
    sigma = 0.7
    smoother = covariance @ np.linalg.inv(covariance + sigma**2 * np.eye(6))

    def denoiser(noisy: jax.Array, _sigma: jax.Array) -> jax.Array:
        return (jnp.asarray(smoother) @ noisy.ravel()).reshape(SHAPE)

    posterior = sigma**2 * smoother
    gain = posterior[:, SEEN] @ np.linalg.inv(posterior[np.ix_(SEEN, SEEN)])
    mean = smoother @ np.asarray(NOISY).ravel()
    expected = mean + gain @ (np.asarray(VALUE) - mean[SEEN])
    guided = repaint_guidance(60)(denoiser, _mask, _likelihood())
    np.testing.assert_allclose(guided(NOISY, SIGMA).ravel(), expected, atol=2e-3)


def test_mmps_of_one_observation_is_the_exact_conditional_mean() -> None:
    variance, prior = 0.25, 1.0
    likelihood = Likelihood(jnp.array([2.0]), jnp.array([variance]), jnp.full(1, True))
    guided = mmps_guidance(1.0, SOLVER)(_white, lambda z: z[0, 3], likelihood)(NOISY, SIGMA)
    mean = _white(NOISY, SIGMA)
    posterior = prior * SIGMA**2 / (prior + SIGMA**2)
    change = posterior / (posterior + variance) * (2.0 - mean[0, 3, 0])
    np.testing.assert_allclose(guided, mean.at[0, 3, 0].add(change), rtol=1e-5)


@pytest.mark.parametrize("guidance", [mmps_guidance(1.0, SOLVER), jfps_guidance(1.0, SOLVER)])
def test_two_equal_observations_equal_one_of_half_the_variance(guidance: Guidance) -> None:
    twice = Likelihood(jnp.array([2.0, 2.0]), jnp.full(2, 0.5), jnp.full(2, True))
    once = Likelihood(jnp.array([2.0]), jnp.full(1, 0.25), jnp.full(1, True))
    found = guidance(_white, lambda z: jnp.repeat(z[0, 3], 2), twice)(NOISY, SIGMA)
    expected = guidance(_white, lambda z: z[0, 3], once)(NOISY, SIGMA)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_sda_shift_is_the_score_of_its_gaussian() -> None:
    """σ² D' (y − D) / (R + γ V σ²/(1+σ²)) with D' = 1 / (1 + σ²), here far from the limit."""
    guided = sda_guidance(0.1, SOLVER)(
        _white, _mask, _likelihood(variance=4.0, prior_variance=2.0)
    )
    mean = _white(NOISY, SIGMA)
    share = SIGMA**2 / (1 + SIGMA**2)
    shift = share * (VALUE - _mask(mean)) / (4.0 + 0.1 * 2.0 * share)
    np.testing.assert_allclose(_mask(guided(NOISY, SIGMA) - mean), shift, rtol=1e-4)


def test_sda_shift_never_passes_the_observations() -> None:
    guided = sda_guidance(1e-6, SOLVER)(_white, _mask, _likelihood(variance=1e-6))
    np.testing.assert_allclose(_mask(guided(NOISY, SIGMA)), VALUE, rtol=1e-3)


def test_sda_without_prior_variance_says_what_to_do() -> None:
    with pytest.raises(InputError, match="estimate_prior_variance"):
        sda_guidance(0.1, SOLVER)(_white, _mask, _likelihood(prior_variance=None))


def test_dps_is_the_exact_score_once_the_residual_has_the_size_of_the_error() -> None:
    mean = _white(NOISY, SIGMA)
    error = 2.0
    value = _mask(mean) + error * jnp.array([1.0, -1.0])
    likelihood = Likelihood(value, jnp.full(2, error**2), jnp.full(2, True))
    guided = dps_guidance(1.0)(_white, _mask, likelihood)
    share = SIGMA**2 / (1 + SIGMA**2)
    expected = share * (value - _mask(mean)) / error**2
    np.testing.assert_allclose(_mask(guided(NOISY, SIGMA) - mean), expected, rtol=1e-4)


def test_dps_step_has_a_size_that_does_not_depend_on_the_residual() -> None:
    """The norm form: twice the misfit, the same step."""
    mean = _white(NOISY, SIGMA)
    shifts = []
    for factor in (20.0, 40.0):
        value = _mask(mean) + factor * jnp.array([1.0, -1.0])
        likelihood = Likelihood(value, jnp.full(2, 1.0), jnp.full(2, True))
        shifts.append(dps_guidance(1.0)(_white, _mask, likelihood)(NOISY, SIGMA) - mean)
    np.testing.assert_allclose(shifts[0], shifts[1], atol=1e-5)


def test_prior_variance_is_that_of_the_equivalents() -> None:
    draws = jax.random.normal(jax.random.key(0), (4000, *SHAPE))
    weights = jnp.arange(12.0).reshape(2, 6)
    variance = estimate_prior_variance(lambda z: weights @ z.ravel(), draws)
    np.testing.assert_allclose(variance, jnp.sum(weights**2, axis=1), rtol=0.1)


def test_residual_ignores_what_is_not_used() -> None:
    likelihood = Likelihood(
        jnp.array([1.0, jnp.nan]), jnp.array([4.0, jnp.nan]), jnp.array([True, False])
    )
    np.testing.assert_array_equal(likelihood.residual(jnp.array([0.0, jnp.nan])), [0.5, 0.0])


@pytest.mark.parametrize("variance", [1e-3, 0.25, 10.0])
def test_jfps_of_a_mask_is_the_posterior_mean_of_each_observed_number(variance: float) -> None:
    guided = jfps_guidance(1.0, SOLVER)(_white, _mask, _likelihood(variance))
    spread = SIGMA**2 / (1 + SIGMA**2)
    denoised = _white(NOISY, SIGMA).ravel()
    gain = spread / (spread + variance)
    expected = denoised.at[SEEN].add(gain * (VALUE - denoised[SEEN]))
    np.testing.assert_allclose(guided(NOISY, SIGMA).ravel(), expected, atol=1e-5)


def test_a_larger_strength_of_jfps_is_a_weaker_guidance() -> None:
    denoised = _white(NOISY, SIGMA).ravel()[SEEN]
    moved = [
        jnp.abs(
            jfps_guidance(s, SOLVER)(_white, _mask, _likelihood())(NOISY, SIGMA).ravel()[SEEN]
            - denoised
        )
        for s in (1.0, 2.0)
    ]
    assert jnp.all(moved[1] < moved[0])
