"""The denoising objective."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from align_da.config import DenoiserConfig
from align_da.diffusion.condition import Condition
from align_da.diffusion.objective import (
    DenoisingBatch,
    denoising_loss,
    draw_noise,
    per_sample_error,
)
from align_da.diffusion.schedule import EDMSchedule
from align_da.runs.denoisers import build_denoiser_network, build_schedule

SHAPE = (4, 4, 8, 2)


@pytest.fixture
def batch() -> DenoisingBatch:
    increment = jax.random.normal(jax.random.key(0), SHAPE)
    return DenoisingBatch(increment, Condition(increment, jnp.full(4, 24.0)))


def test_error_is_the_mean_square_error_of_the_noise(batch: DenoisingBatch) -> None:
    """With F = 0 the denoiser is x / (σ² + 1): its noise is computed by hand."""
    schedule = EDMSchedule(0.0, 1.0)
    sigma = jnp.array([0.1, 1.0, 3.0, 10.0])
    noise = jax.random.normal(jax.random.key(1), SHAPE)
    error = per_sample_error(lambda x, _t, _c: jnp.zeros_like(x), schedule, batch, sigma, noise)
    level = sigma[:, None, None, None]
    noisy = batch.increment + level * noise
    predicted_noise = (noisy - noisy / (level**2 + 1)) / level
    expected = jnp.mean((noise - predicted_noise) ** 2, axis=(1, 2, 3))
    np.testing.assert_allclose(error, expected, rtol=1e-4)


def test_edm_loss_of_white_data_starts_at_one() -> None:
    """With F = 0 the weighted error is the variance of the target, 1 at every noise level."""
    increment = jax.random.normal(jax.random.key(0), (64, 4, 8, 2))
    batch = DenoisingBatch(increment, Condition(increment, jnp.full(64, 24.0)))
    config = DenoiserConfig(width=8, levels=2)
    network = build_denoiser_network(config, (4, 8, 2), jax.random.key(0))
    graphdef, params = nnx.split(network)
    loss = jax.jit(denoising_loss(graphdef, build_schedule(config)))
    value, metrics = loss(params, batch, jax.random.key(2))
    np.testing.assert_allclose(value, 1.0, atol=0.1)
    assert set(metrics) == {"loss", "denoised_error"}


@pytest.mark.parametrize("schedule", ["edm", "vp_cosine"])
def test_training_learns_that_the_increment_is_the_background(
    batch: DenoisingBatch, schedule: str
) -> None:
    """Here the condition holds the answer: 60 steps of Adam must take most of the loss away."""
    config = DenoiserConfig(width=8, levels=1, schedule=schedule)
    network = build_denoiser_network(config, SHAPE[1:], jax.random.key(0))
    graphdef, params = nnx.split(network)
    loss = jax.jit(denoising_loss(graphdef, build_schedule(config)))
    optimiser = optax.adam(1e-2)

    @jax.jit
    def step(
        params: nnx.State, moments: optax.OptState, key: jax.Array
    ) -> tuple[nnx.State, optax.OptState]:
        gradient = jax.grad(lambda p: loss(p, batch, key)[0])(params)
        updates, moments = optimiser.update(gradient, moments, params)
        return optax.apply_updates(params, updates), moments

    before = loss(params, batch, jax.random.key(99))[0]
    moments = optimiser.init(params)
    for index in range(60):
        params, moments = step(params, moments, jax.random.fold_in(jax.random.key(3), index))
    assert loss(params, batch, jax.random.key(99))[0] < 0.5 * before


def test_noise_depends_on_the_key_alone() -> None:
    schedule = EDMSchedule(0.0, 1.0)
    first = draw_noise(schedule, jax.random.key(5), SHAPE)
    second = draw_noise(schedule, jax.random.key(5), SHAPE)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    assert jnp.any(first[1] != draw_noise(schedule, jax.random.key(6), SHAPE)[1])
