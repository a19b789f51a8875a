"""Noise whose mean over the members is zero."""

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.config import SamplerConfig
from align_da.diffusion.noise import centred_over, standard_normal
from align_da.keys import keys_for_members
from align_da.runs.samplers import build_sampler

SHAPE = (2, 4, 3)
MEMBERS = 4
KEYS = keys_for_members(jax.random.key(0), MEMBERS)


def test_centred_noise_has_no_mean_and_the_differences_of_independent_noise() -> None:
    centred = jax.vmap(
        lambda key: centred_over("member", MEMBERS)(key, SHAPE), axis_name="member"
    )(KEYS)
    independent = jax.vmap(lambda key: standard_normal(key, SHAPE))(KEYS)
    np.testing.assert_allclose(centred.mean(axis=0), 0.0, atol=1e-6)
    np.testing.assert_allclose(centred[0] - centred[1], independent[0] - independent[1], atol=1e-6)


def test_batches_of_centred_noise_have_the_variance_of_independent_draws() -> None:
    members, batch = 20, 4
    keys = keys_for_members(jax.random.key(1), members)
    draw = centred_over("member", members)
    batches = [
        jax.vmap(lambda key: draw(key, (2000,)), axis_name="member")(keys[start : start + batch])
        for start in range(0, members, batch)
    ]
    variance = jnp.concatenate(batches).var(axis=0, ddof=1)
    assert float(variance.mean()) == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("kind", ["dpm_solver", "heun", "stochastic"])
def test_the_mean_of_centred_draws_of_a_gaussian_is_the_draw_without_noise(
    kind: Literal["dpm_solver", "heun", "stochastic"],
) -> None:
    mean, config = jnp.arange(24.0).reshape(SHAPE), SamplerConfig(kind=kind)

    def denoiser(noisy: jax.Array, sigma: jax.Array) -> jax.Array:
        return mean + (noisy - mean) / (1 + sigma**2)

    sampler = build_sampler(config, centred_over("member", MEMBERS))
    draws = jax.vmap(lambda key: sampler(denoiser, key, SHAPE), axis_name="member")(KEYS)
    silent = build_sampler(config, lambda _, shape: jnp.zeros(shape))(denoiser, KEYS[0], SHAPE)
    np.testing.assert_allclose(draws.mean(axis=0), silent, rtol=1e-4, atol=1e-4)
    assert float(draws.std(axis=0, ddof=1).mean()) == pytest.approx(0.85, abs=0.3)
