"""Scaling between latents and what is diffused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.errors import InputError
from align_da.prior.increment_correlation import CorrelationRank
from align_da.prior.latent_scaling import LatentsByLead, LatentScaling, estimate_scaling

WHITE = CorrelationRank(modes=0, radius=1e6)
LATITUDE_STD = np.array([0.5, 2.0, 1.0])[:, None, None]


@pytest.fixture(scope="module")
def pairs() -> dict[int, LatentsByLead]:
    """Increments of known standard deviation about backgrounds far from zero."""
    random = np.random.default_rng(1)
    found = {}
    for lead, factor in ((6, 1.0), (24, 3.0)):
        background = 1000.0 + random.normal(size=(200, 3, 8, 2)) * np.array([1.0, 5.0])
        increment = factor * LATITUDE_STD * random.normal(size=background.shape)
        found[lead] = ((background + increment).astype(np.float32), background.astype(np.float32))
    return found


@pytest.fixture(scope="module")
def scaling(pairs: dict[int, LatentsByLead]) -> LatentScaling:
    return estimate_scaling(pairs, WHITE)


def test_estimated_standard_deviations_are_those_of_the_sample(scaling: LatentScaling) -> None:
    expected = 3 * LATITUDE_STD * np.eye(2)
    np.testing.assert_allclose(scaling.increment_root[1], expected, atol=0.25)
    np.testing.assert_allclose(scaling.state_mean, 1000.0, rtol=1e-3)
    np.testing.assert_allclose(scaling.state_std, [1.0, 5.0], rtol=0.03)


def test_channels_of_scaled_increments_are_uncorrelated_with_unit_variance_at_every_latitude(
    scaling: LatentScaling, pairs: dict[int, LatentsByLead]
) -> None:
    truth, background = pairs[6]
    s = scaling.scale(jnp.asarray(truth - background), 6.0)
    covariance = jnp.einsum("nyxk,nyxl->ykl", s, s) / (s.shape[0] * s.shape[2])
    np.testing.assert_allclose(covariance, jnp.broadcast_to(jnp.eye(2), (3, 2, 2)), atol=1e-4)


def test_root_and_correlation_together_give_the_covariance_of_a_point(
    pairs: dict[int, LatentsByLead],
) -> None:
    few_modes = estimate_scaling(pairs, CorrelationRank(modes=1, radius=4e6))
    noise = jax.random.normal(jax.random.key(3), (4000, 3, 8, 2))
    drawn = jax.vmap(lambda z: few_modes.unscale(few_modes.colour(z, 24.0), 24.0))(noise)
    np.testing.assert_allclose(
        jnp.std(drawn, axis=(0, 2)), np.repeat(3 * LATITUDE_STD[:, 0], 2, axis=1), rtol=0.06
    )


def test_unscale_is_the_inverse_of_scale(scaling: LatentScaling) -> None:
    increment = jax.random.normal(jax.random.key(0), (4, 3, 8, 2))
    back = scaling.unscale(scaling.scale(increment, 11.0), 11.0)
    np.testing.assert_allclose(back, increment, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("lead", "expected"), [(15.0, 2.0), (2.0, 1.0), (240.0, 3.0)])
def test_root_is_linear_in_lead_time_and_constant_outside(
    scaling: LatentScaling, lead: float, expected: float
) -> None:
    at = scaling.root_at(lead)
    assert at.shape == (3, 2, 2)
    first, last = scaling.increment_root
    share = (expected - 1.0) / 2.0
    np.testing.assert_allclose(at, (1 - share) * first + share * last, rtol=1e-5, atol=1e-6)


def test_a_latent_that_never_varies_scales_to_finite_values() -> None:
    constant = np.ones((3, 2, 4, 1), np.float32)
    scaling = estimate_scaling({6: (constant, constant)}, WHITE)
    assert np.all(np.isfinite(scaling.scale(jnp.zeros((2, 4, 1)), 6.0)))
    assert np.all(np.isfinite(scaling.standardise(jnp.ones((2, 4, 1)))))


def test_pairs_of_different_shape_are_refused() -> None:
    with pytest.raises(InputError, match="lead 6 h"):
        estimate_scaling({6: (np.ones((2, 2, 2, 1)), np.ones((3, 2, 2, 1)))}, WHITE)
    with pytest.raises(InputError, match="got none"):
        estimate_scaling({}, WHITE)
