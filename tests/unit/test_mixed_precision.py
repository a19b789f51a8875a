"""Mixed precision and recomputation of the transformers."""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from align_da.config import AutoencoderConfig, DenoiserConfig
from align_da.diffusion.condition import Condition
from align_da.errors import ConfigError
from align_da.runs.autoencoders import build_autoencoder
from align_da.runs.denoisers import build_denoiser_network

SHAPE = (8, 16, 3)
STATES = jax.random.normal(jax.random.key(1), (2, *SHAPE))
LEVELS = jnp.asarray([0.5, 1.0])
CONDITION = Condition(STATES, jnp.asarray([6.0, 12.0]))


@cache
def output(kind: str, **change: Any) -> tuple[jax.Array, Any]:
    """What a network with parameters away from the silent start makes, and the gradient of it."""
    module: Any
    if kind == "autoencoder":
        config = AutoencoderConfig(
            kind="transformer", width=16, latent_channels=5, window=4, **change
        )
        module = build_autoencoder(config, SHAPE, jax.random.key(0))
    else:
        module = build_denoiser_network(
            DenoiserConfig(kind="dit", width=16, depth=2, **change), SHAPE, jax.random.key(0)
        )
    graph, params = nnx.split(module)
    leaves, tree = jax.tree.flatten(params)
    rng = np.random.default_rng(0)
    params = tree.unflatten([x + 0.1 * rng.normal(size=x.shape).astype("f4") for x in leaves])

    def made(params: Any) -> jax.Array:
        network = nnx.merge(graph, params)
        if kind == "autoencoder":
            return network.decode(network.encode(STATES))
        return network(STATES, LEVELS, CONDITION)

    @jax.jit
    def with_gradient(params: Any) -> tuple[jax.Array, Any]:
        values, pull = jax.vjp(made, params)
        return values, pull(jnp.ones_like(values))[0]

    return with_gradient(params)


@pytest.mark.parametrize("kind", ["autoencoder", "denoiser"])
def test_recomputed_activations_give_the_same_gradient(kind: str) -> None:
    kept, gradient = output(kind)
    again, same = output(kind, recompute=True)
    np.testing.assert_allclose(again, kept, rtol=1e-5, atol=1e-5)
    for left, right in zip(jax.tree.leaves(same), jax.tree.leaves(gradient), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("kind", ["autoencoder", "denoiser"])
def test_half_precision_differs_by_its_rounding_and_keeps_single_precision_ends(kind: str) -> None:
    full, _ = output(kind)
    half, gradient = output(kind, precision="bfloat16")
    assert half.dtype == jnp.float32
    assert {leaf.dtype for leaf in jax.tree.leaves(gradient)} == {jnp.dtype(jnp.float32)}
    difference = float(jnp.linalg.norm(half - full) / jnp.linalg.norm(full))
    assert 1e-5 < difference < 0.02


def test_the_convolutional_networks_refuse_what_they_do_not_know() -> None:
    with pytest.raises(ConfigError, match="transformer"):
        build_autoencoder(AutoencoderConfig(precision="bfloat16"), SHAPE, jax.random.key(0))
    with pytest.raises(ConfigError, match="transformer"):
        build_denoiser_network(DenoiserConfig(recompute=True), SHAPE, jax.random.key(0))
