"""The contract of autoencoders, run over every kind."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from align_da.autoencoder import Autoencoder, build_autoencoder
from align_da.config import AutoencoderConfig
from align_da.errors import ConfigError

SHAPE = (8, 16, 3)
CONFIGS = {
    "convolutional": AutoencoderConfig(width=8, depth=1, latent_channels=5),
    "convolutional, stride 4": AutoencoderConfig(width=8, depth=1, stride=4, latent_channels=7),
    "convolutional, stride 1": AutoencoderConfig(width=8, depth=1, stride=1, latent_channels=2),
    "transformer": AutoencoderConfig(kind="transformer", width=8, depth=2, latent_channels=5),
    "transformer, windows": AutoencoderConfig(
        kind="transformer", width=8, depth=2, latent_channels=5, window=4
    ),
}


@pytest.fixture(params=CONFIGS.values(), ids=CONFIGS.keys())
def config(request):
    return request.param


@pytest.fixture
def autoencoder(config):
    """With parameters away from the start, where the branches would be silent."""
    built = build_autoencoder(config, SHAPE, jax.random.key(0), sign=(-1, -1, 1))
    graphdef, params = nnx.split(built)
    leaves, structure = jax.tree.flatten(params)
    keys = jax.random.split(jax.random.key(1), len(leaves))
    moved = [
        leaf + 0.1 * jax.random.normal(key, leaf.shape)
        for leaf, key in zip(leaves, keys, strict=True)
    ]
    return nnx.merge(graphdef, jax.tree.unflatten(structure, moved))


@pytest.fixture
def states():
    return jax.random.normal(jax.random.key(2), (2, *SHAPE))


def test_fulfils_the_protocol(autoencoder):
    assert isinstance(autoencoder, Autoencoder)


def test_shapes_are_those_of_the_contract(config, autoencoder, states):
    latents = autoencoder.encode(states)
    coarse = (SHAPE[0] // config.stride, SHAPE[1] // config.stride, config.latent_channels)
    assert latents.shape == (2, *coarse)
    assert autoencoder.latent_shape == coarse
    assert autoencoder.decode(latents).shape == states.shape


def test_latents_commute_with_rotations_of_the_globe(config, autoencoder, states):
    points = (config.window or 1) * config.stride
    turned = autoencoder.encode(jnp.roll(states, points, axis=2))
    expected = jnp.roll(autoencoder.encode(states), points // config.stride, axis=2)
    np.testing.assert_allclose(turned, expected, atol=1e-5)


def test_decoding_commutes_with_rotations_of_the_globe(config, autoencoder, states):
    columns = config.window or 1
    latents = autoencoder.encode(states)
    turned = autoencoder.decode(jnp.roll(latents, columns, axis=2))
    expected = jnp.roll(autoencoder.decode(latents), columns * config.stride, axis=2)
    np.testing.assert_allclose(turned, expected, atol=1e-5)


def test_states_of_a_batch_do_not_know_each_other(autoencoder, states):
    alone = autoencoder.encode(states[:1])
    np.testing.assert_allclose(autoencoder.encode(states)[:1], alone, atol=1e-5)


def test_decoder_has_a_finite_gradient_that_agrees_with_its_tangent(autoencoder, states):
    latents = autoencoder.encode(states)
    direction = jax.random.normal(jax.random.key(3), latents.shape)
    _, tangent = jax.jvp(autoencoder.decode, (latents,), (direction,))
    back = jax.vjp(autoencoder.decode, latents)[1](states)[0]
    assert np.isfinite(back).all()
    np.testing.assert_allclose(
        jnp.vdot(tangent, states), jnp.vdot(direction, back), rtol=1e-3, atol=1e-3
    )


def test_is_a_projection_of_patches_before_training(config, states):
    built = build_autoencoder(config, SHAPE, jax.random.key(0))
    once = built.decode(built.encode(states))
    np.testing.assert_allclose(built.decode(built.encode(once)), once, atol=1e-4)


def test_same_key_gives_same_parameters(config):
    first, second = (
        jax.tree.leaves(nnx.state(build_autoencoder(config, SHAPE, jax.random.key(4))))
        for _ in range(2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"stride": 8, "latent_channels": 1, "kind": "convolutional"}, None),
        ({"latent_channels": 500, "kind": "convolutional"}, "latent_channels"),
        ({"kind": "transformer", "heads": 3, "width": 8, "latent_channels": 4}, "heads"),
        ({"kind": "transformer", "window": 3, "width": 8, "latent_channels": 4}, "window"),
    ],
)
def test_sizes_that_do_not_go_together_are_refused(change, reason):
    config = AutoencoderConfig(**change)
    if reason is None:
        build_autoencoder(config, SHAPE, jax.random.key(0))
        return
    with pytest.raises(ConfigError, match=reason):
        build_autoencoder(config, SHAPE, jax.random.key(0))


def test_grid_that_the_stride_does_not_divide_is_refused():
    with pytest.raises(ConfigError, match="latitudes"):
        build_autoencoder(AutoencoderConfig(latent_channels=3), (7, 16, 3), jax.random.key(0))
