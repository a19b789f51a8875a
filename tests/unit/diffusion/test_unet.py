"""The U-Net on the sphere."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from align_da.config import DenoiserConfig
from align_da.diffusion.condition import Condition
from align_da.runs.denoisers import build_denoiser_network


def _filled(network: nnx.Module) -> Callable[..., jax.Array]:
    """The compiled network with every parameter random, also those that start at zero."""
    graphdef, params = nnx.split(network)
    random = np.random.default_rng(7)
    filled = jax.tree.map(
        lambda leaf: np.float32(np.asarray(leaf) + 0.1 * random.normal(size=leaf.shape)), params
    )

    @jax.jit
    def apply(noisy: jax.Array, noise_input: jax.Array, condition: Condition) -> jax.Array:
        return nnx.merge(graphdef, filled)(noisy, noise_input, condition)

    return apply


def _inputs(shape: tuple[int, int, int], batch: int = 1) -> tuple[jax.Array, jax.Array, Condition]:
    noisy = jax.random.normal(jax.random.key(1), (batch, *shape))
    background = jax.random.normal(jax.random.key(2), noisy.shape)
    condition = Condition(background, jnp.full(batch, 24.0))
    return noisy, jnp.full(batch, 0.3), condition


def test_shift_in_longitude_by_the_total_stride_shifts_the_output() -> None:
    config = DenoiserConfig(width=8, levels=3)
    network = _filled(build_denoiser_network(config, (8, 16, 3), jax.random.key(0)))
    noisy, noise_input, condition = _inputs((8, 16, 3))
    stride = 4  # two halvings

    def roll(x: jax.Array) -> jax.Array:
        return jnp.roll(x, stride, axis=2)

    shifted = Condition(roll(condition.background), condition.lead_hours)
    plain = network(noisy, noise_input, condition)
    np.testing.assert_allclose(
        network(roll(noisy), noise_input, shifted), roll(plain), atol=1e-4 * jnp.abs(plain).max()
    )
    assert jnp.std(plain) > 0


def test_network_uses_background_lead_time_and_noise_level() -> None:
    config = DenoiserConfig(width=8, levels=2)
    network = _filled(build_denoiser_network(config, (4, 8, 2), jax.random.key(0)))
    noisy, noise_input, condition = _inputs((4, 8, 2))
    plain = network(noisy, noise_input, condition)
    others = [
        network(noisy, noise_input + 0.5, condition),
        network(noisy, noise_input, Condition(condition.background, jnp.array([6.0]))),
        network(
            noisy,
            noise_input,
            Condition(-condition.background, condition.lead_hours),
        ),
    ]
    for other in others:
        assert jnp.abs(other - plain).max() > 1e-3


@pytest.mark.parametrize("shape", [(1, 40, 2), (5, 6, 2), (8, 8, 1)])
def test_grids_that_cannot_be_halved_are_taken_as_they_are(shape: tuple[int, int, int]) -> None:
    config = DenoiserConfig(width=8, levels=3)

    def output() -> jax.Array:
        return build_denoiser_network(config, shape, jax.random.key(0))(*_inputs(shape))

    assert jax.eval_shape(output).shape == (1, *shape)


def test_default_network_is_small_and_cheap() -> None:
    """2-3 million parameters and at most 0.6 GFLOP forward on a 16 x 32 x 48 latent."""
    shape = (16, 32, 48)
    network = nnx.eval_shape(
        lambda: build_denoiser_network(DenoiserConfig(), shape, jax.random.key(0))
    )
    graphdef, params = nnx.split(network)
    count = sum(leaf.size for leaf in jax.tree.leaves(params))
    assert 2e6 < count < 3e6
    noisy, noise_input, condition = _inputs(shape)

    def forward(params: nnx.State, noisy: jax.Array) -> jax.Array:
        return nnx.merge(graphdef, params)(noisy, noise_input, condition)

    cost = jax.jit(forward).lower(params, noisy).cost_analysis()
    assert cost["flops"] < 0.6e9
