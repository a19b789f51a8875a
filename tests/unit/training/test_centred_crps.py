"""The CRPS of centred members as a loss."""

import jax
import jax.numpy as jnp
import numpy as np

from align_da.training.centred_crps import centred_crps
from align_da.verification.ensemble_scores import fair_crps


def test_it_is_what_verification_computes() -> None:
    chance = np.random.default_rng(0)
    members = chance.normal(size=(7, 4, 5)).astype(np.float32)
    truth = chance.normal(size=(4, 5)).astype(np.float32)
    found = centred_crps(jnp.asarray(members), jnp.asarray(truth))
    np.testing.assert_allclose(found, fair_crps(members, truth, centred=True), atol=1e-6)


def test_its_slope_by_the_spread_turns_where_the_spread_is_that_of_the_errors() -> None:
    """Errors have a standard deviation of one: half of it is too little, twice of it too much."""
    chance = np.random.default_rng(1)
    apart = jnp.asarray(chance.normal(size=(20, 4000)), jnp.float32)
    apart = (apart - apart.mean(axis=0)) * jnp.sqrt(20 / 19)
    truth = jnp.asarray(chance.normal(size=4000), jnp.float32)
    slope = jax.grad(lambda factor: centred_crps(factor * apart, truth).mean())
    assert slope(0.5) < 0 < slope(2.0)
