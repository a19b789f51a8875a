"""What a denoiser tells of its systems comes out of every sampler."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.config import SamplerConfig
from align_da.diffusion.effort import Effort, told_by
from align_da.runs.samplers import build_sampler

SHAPE = (2, 4, 1)
KEY = jax.random.key(0)


class Scripted:
    """The denoiser of N(0, I), which tells its noise level: once as iterations, once inverted."""

    def __call__(self, noisy: jax.Array, sigma: jax.Array) -> jax.Array:
        return noisy / (1 + sigma**2)

    def told(self, noisy: jax.Array, sigma: jax.Array) -> tuple[jax.Array, Effort]:
        sigma = jnp.asarray(sigma, jnp.float32)
        return self(noisy, sigma), Effort(sigma, 1 / sigma)


@pytest.mark.parametrize("kind", ["heun", "dpm_solver", "stochastic"])
@pytest.mark.parametrize("correctors", [0, 1])
def test_a_sampler_tells_the_hardest_of_its_calls_and_draws_the_same(
    kind: str, correctors: int
) -> None:
    config = SamplerConfig(kind=kind, steps=5, correctors=correctors)
    sampler = build_sampler(config)
    drawn, effort = jax.jit(lambda key: told_by(sampler, Scripted(), key, SHAPE))(KEY)
    np.testing.assert_allclose(effort.iterations, config.sigma_max, rtol=1e-6)
    np.testing.assert_allclose(effort.residual, 1 / config.sigma_min, rtol=1e-4)
    plain = jax.jit(lambda key: sampler(lambda x, s: x / (1 + s**2), key, SHAPE))(KEY)
    np.testing.assert_allclose(drawn, plain, atol=1e-6)


def test_who_does_not_tell_is_not_known() -> None:
    def plain(noisy: jax.Array, sigma: jax.Array) -> jax.Array:
        return noisy / (1 + sigma**2)

    _, effort = told_by(build_sampler(SamplerConfig(steps=3)), plain, KEY, SHAPE)
    assert jnp.isnan(effort.iterations)
    assert jnp.isnan(effort.residual)


def test_the_hardest_case_of_many_does_not_ask_those_without_a_system() -> None:
    efforts = Effort(jnp.array([3.0, jnp.nan, 7.0]), jnp.array([0.5, jnp.nan, 0.2]))
    assert (efforts.hardest().iterations, efforts.hardest().residual) == (7, 0.5)
