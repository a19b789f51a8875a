"""Where H says nothing, as it is saturated or constant, every method gives finite numbers."""

from collections.abc import Callable
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.config import GuidanceConfig, SamplerConfig
from align_da.guidance.guided_sampler import GuidedSampler
from align_da.guidance.repaint import repaint_guidance
from align_da.observations.likelihood import Likelihood
from align_da.runs.guidances import build_posterior_sampler
from align_da.verification.linear_gaussian import denoise_white

SHAPE = (1, 6, 1)
METHODS = ("dps", "sda", "mmps", "jfps", "repaint", "split_gibbs")
Map = Callable[[jax.Array], jax.Array]
OPERATORS: dict[str, Map] = {
    "saturating": jnp.tanh,
    "steep": lambda z: jnp.tanh(30 * z),
    "one-sided": lambda z: jnp.maximum(z - 3.0, 0.0),
    "square": lambda z: z**2,
    "constant": jnp.zeros_like,
}
SAMPLER = SamplerConfig(steps=6)
Draw = Callable[[jax.Array, jax.Array, int], jax.Array]
"""(keys, errors of the observations, number of the operator) → draws, compiled once a method."""


def _likelihood(error: float, value: float = 0.9) -> Likelihood:
    signs = jnp.array([1.0, -1.0, 1.0, -1.0, 1.0, 1.0])
    return Likelihood(value * signs, jnp.full(6, error**2), jnp.full(6, True), jnp.ones(6))


def _config(method: str) -> GuidanceConfig:
    return GuidanceConfig(method=method, repetitions=3)


@cache
def _draw(method: str) -> Draw:
    posterior = build_posterior_sampler(_config(method), SAMPLER)

    @jax.jit
    @partial(jax.vmap, in_axes=(0, 0, None))
    def draw(key: jax.Array, error: jax.Array, number: int) -> jax.Array:
        def operator(z: jax.Array) -> jax.Array:
            return jax.lax.switch(number, tuple(OPERATORS.values()), z.ravel())

        return posterior(denoise_white, operator, _likelihood(error), key, SHAPE)

    return draw


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("method", METHODS)
def test_draws_are_finite_and_near_the_prior(method: str, name: str) -> None:
    keys = jax.random.split(jax.random.key(0), 30)
    errors = jnp.repeat(jnp.array([1e-3, 0.1, 1.0]), 10)
    drawn = _draw(method)(keys, errors, list(OPERATORS).index(name))
    assert jnp.all(jnp.isfinite(drawn))


@cache
def _guided(method: str) -> Callable[[jax.Array, jax.Array], jax.Array]:
    built = build_posterior_sampler(_config(method), SAMPLER)
    assert isinstance(built, GuidedSampler)
    guided = built.guidance(
        lambda noisy, _: noisy, lambda z: jnp.tanh(z.ravel()), _likelihood(0.01, -0.9)
    )
    return jax.jit(guided)


@pytest.mark.parametrize("method", METHODS[:-1])
@pytest.mark.parametrize("place", [1.0, 5.0, 9.0, 40.0])
def test_an_estimate_far_on_the_flat_side_stays_finite(method: str, place: float) -> None:
    """The slope of tanh is 10⁻⁴ at 5, 10⁻⁸ at 9 and 0 at 40: what fits is far, or nowhere."""
    moved = _guided(method)(jnp.full(SHAPE, place), jnp.float32(2.0))
    assert jnp.all(jnp.isfinite(moved))


@pytest.mark.parametrize("slope", [1.0, 1e-3, 1e-6, 1e-12, 0.0])
def test_repaint_moves_no_further_than_its_trust_region(slope: float) -> None:
    """A linear H of any slope: 0.9 is asked for, which is 9 · 10⁵ away where the slope is 10⁻⁶."""
    guided = repaint_guidance(1)(
        lambda noisy, _: noisy, lambda z: slope * z.ravel(), _likelihood(0.1)
    )
    moved = guided(jnp.zeros(SHAPE), jnp.float32(1.0))
    assert jnp.linalg.norm(moved) < 25 * np.sqrt(6)
    if slope == 1.0:
        np.testing.assert_allclose(jnp.abs(moved), 0.9, rtol=1e-3)
