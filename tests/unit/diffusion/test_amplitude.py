"""The adapter of fine-tuning: nothing at its start, and able to change the amplitude of draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from align_da.config import DenoiserConfig, SamplerConfig
from align_da.diffusion.amplitude import AdaptedNetwork
from align_da.diffusion.condition import Condition
from align_da.diffusion.denoiser import make_denoiser
from align_da.diffusion.schedule import EDMSchedule
from align_da.diffusion.unit_normal import UnitNormal
from align_da.runs.denoisers import build_denoiser_network
from align_da.runs.samplers import build_sampler

SHAPE = (8, 16, 3)
CONDITION = Condition(jnp.zeros(SHAPE), jnp.asarray(6.0))


def adapted_unit_normal(gain: float) -> AdaptedNetwork:
    network = AdaptedNetwork(UnitNormal(), SHAPE)
    network.amplitude.everywhere[...] = jnp.full(3, gain)
    return network


def spread_of_draws(network: AdaptedNetwork, draws: int = 40) -> float:
    sampler = build_sampler(SamplerConfig(steps=20))
    denoiser = make_denoiser(network, EDMSchedule(0.0, 1.4), CONDITION)
    keys = jax.random.split(jax.random.key(0), draws)
    return float(jax.jit(jax.vmap(lambda key: sampler(denoiser, key, SHAPE)))(keys).std())


@pytest.mark.parametrize("kind", ["unet", "dit"])
def test_at_its_start_it_is_the_network_itself(kind: str) -> None:
    config = DenoiserConfig(kind=kind, width=8, levels=1, heads=2)
    network = build_denoiser_network(config, SHAPE, jax.random.key(0))
    noisy = jax.random.normal(jax.random.key(1), (2, *SHAPE))
    level = jnp.asarray([-0.3, 0.2])
    batched = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), CONDITION)
    adapted = AdaptedNetwork(network, SHAPE)
    np.testing.assert_array_equal(adapted(noisy, level, batched), network(noisy, level, batched))


def test_a_negative_gain_narrows_the_draws_and_a_positive_one_widens_them() -> None:
    narrow, same, wide = (spread_of_draws(adapted_unit_normal(g)) for g in (-0.1, 0.0, 0.1))
    assert narrow < 0.95 * same
    assert wide > 1.05 * same


def test_the_gain_may_differ_by_row_channel_and_noise_level() -> None:
    network = AdaptedNetwork(UnitNormal(), SHAPE)
    network.amplitude.by_row[...] = network.amplitude.by_row[...].at[1, 2].set(1.0)
    network.amplitude.by_channel[...] = network.amplitude.by_channel[...].at[1, 0].set(0.5)
    gain = network.amplitude(jnp.asarray([0.0, 10.0]))
    assert gain.shape == (2, 8, 1, 3)
    np.testing.assert_allclose(gain[0, 2, 0], [1.5, 1.0, 1.0])
    np.testing.assert_allclose(gain[0, 0, 0], [0.5, 0.0, 0.0])
    np.testing.assert_allclose(gain[1], 0.0, atol=1e-6)


def test_its_gradient_reaches_the_amplitude_from_its_zero_start() -> None:
    network = AdaptedNetwork(UnitNormal(), SHAPE)
    noisy = jax.random.normal(jax.random.key(1), (2, *SHAPE))
    condition = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), CONDITION)

    def loss(model: AdaptedNetwork) -> jax.Array:
        return jnp.square(model(noisy, jnp.zeros(2), condition) + noisy).mean()

    gradient = nnx.grad(loss)(network)
    assert float(jnp.abs(gradient.amplitude.everywhere[...]).min()) > 0.1
