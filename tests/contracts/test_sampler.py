"""The sampler contract, over every sampler."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.config import SamplerConfig
from align_da.diffusion.contract import Sampler
from align_da.runs.samplers import build_sampler

SHAPE = (2, 4, 3)
MEAN = jnp.linspace(-1.0, 1.0, 24).reshape(SHAPE)
STD = jnp.linspace(0.3, 1.2, 24).reshape(SHAPE)
CASES = [
    SamplerConfig(kind="heun", steps=64, sigma_min=0.005, sigma_max=50.0),
    SamplerConfig(kind="dpm_solver", steps=64, sigma_min=0.005, sigma_max=50.0),
    SamplerConfig(kind="stochastic", steps=128, sigma_min=0.005, sigma_max=50.0),
    SamplerConfig(kind="stochastic", steps=64, sigma_min=0.005, churn=0.0, sigma_max=50.0),
]


def _denoiser(noisy: jax.Array, sigma: jax.Array | float) -> jax.Array:
    """The exact denoiser of independent N(MEAN, STD²)."""
    return (STD**2 * noisy + sigma**2 * MEAN) / (STD**2 + sigma**2)


@pytest.fixture(params=CASES, ids=["heun", "dpm", "ancestral", "euler"])
def sampler(request: pytest.FixtureRequest) -> Sampler:
    return build_sampler(request.param)


def test_draws_of_a_gaussian_have_its_mean_and_spread(sampler: Sampler) -> None:
    """2000 draws: standard errors 0.02 of the mean and 1.6 % of the spread of each component."""
    keys = jax.random.split(jax.random.key(0), 2000)
    drawn = jax.jit(jax.vmap(lambda key: sampler(_denoiser, key, SHAPE)))(keys)
    np.testing.assert_allclose(drawn.mean(axis=0), MEAN, atol=0.09)
    ratio = drawn.std(axis=0) / STD
    np.testing.assert_allclose(ratio, 1.0, atol=0.12)
    np.testing.assert_allclose(ratio.mean(), 1.0, atol=0.06)  # first order loses 0.04


def test_a_draw_depends_on_its_key_alone(sampler: Sampler) -> None:
    draw = jax.jit(lambda key: sampler(_denoiser, key, SHAPE))
    first = draw(jax.random.key(1))
    assert first.shape == SHAPE
    np.testing.assert_array_equal(first, draw(jax.random.key(1)))
    assert jnp.all(first != draw(jax.random.key(2)))


@pytest.mark.parametrize("kind", ["heun", "dpm_solver", "stochastic"])
def test_correctors_go_with_every_sampler(kind: str) -> None:
    """Mean and spread stay near the truth; small scales are widened (see `langevin`)."""
    sampler = build_sampler(SamplerConfig(kind=kind, steps=20, correctors=2))
    keys = jax.random.split(jax.random.key(0), 1000)
    drawn = jax.jit(jax.vmap(lambda key: sampler(_denoiser, key, SHAPE)))(keys)
    np.testing.assert_allclose(drawn.mean(axis=0), MEAN, atol=0.15)
    np.testing.assert_allclose((drawn.std(axis=0) / STD).mean(), 1.0, atol=0.1)
