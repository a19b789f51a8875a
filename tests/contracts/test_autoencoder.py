"""The contract of autoencoders, run over every kind."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from align_da.autoencoder import Autoencoder
from align_da.autoencoder.identity import IdentityAutoencoder
from align_da.autoencoder.patch_autoencoder import PatchAutoencoder
from align_da.autoencoder.patches import LinearPatches
from align_da.config import AutoencoderConfig
from align_da.errors import ConfigError
from align_da.runs.autoencoders import build_autoencoder

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


STATES = jnp.asarray(np.random.default_rng(2).normal(size=(2, *SHAPE)), jnp.float32)


@dataclass(frozen=True)
class Built:
    """An autoencoder with its maps compiled."""

    config: AutoencoderConfig
    module: Autoencoder
    encode: Callable[[jax.Array], jax.Array]
    decode: Callable[[jax.Array], jax.Array]


@cache
def built(name: str, noise: float) -> Built:
    """With parameters `noise` away from the start, where the branches are silent."""
    config = CONFIGS[name]
    abstract = nnx.eval_shape(
        lambda: build_autoencoder(config, SHAPE, jax.random.key(0), sign=(-1.0, -1.0, 1.0))
    )
    graphdef, shapes = nnx.split(abstract)
    rng = np.random.default_rng(1)
    params = jax.tree.map(
        lambda leaf: jnp.asarray(noise * rng.normal(size=leaf.shape), jnp.float32), shapes
    )
    module = nnx.merge(graphdef, params)
    module.linear = LinearPatches(config.stride**2 * SHAPE[2], config.latent_channels)
    return Built(config, module, jax.jit(module.encode), jax.jit(module.decode))


@cache
def identity() -> Built:
    """Described by the sizes that a network would need to do the same."""
    module = IdentityAutoencoder(SHAPE)
    config = AutoencoderConfig(stride=1, latent_channels=SHAPE[2])
    return Built(config, module, module.encode, module.decode)


@pytest.fixture(params=[*CONFIGS, "identity"])
def autoencoder(request: pytest.FixtureRequest) -> Built:
    return identity() if request.param == "identity" else built(request.param, 0.2)


def test_fulfils_the_protocol(autoencoder: Built) -> None:
    assert isinstance(autoencoder.module, Autoencoder)


def test_shapes_are_those_of_the_contract(autoencoder: Built) -> None:
    config = autoencoder.config
    latents = autoencoder.encode(STATES)
    coarse = (SHAPE[0] // config.stride, SHAPE[1] // config.stride, config.latent_channels)
    assert latents.shape == (2, *coarse)
    assert autoencoder.module.latent_shape == coarse
    assert autoencoder.decode(latents).shape == STATES.shape


def test_latents_commute_with_rotations_of_the_globe(autoencoder: Built) -> None:
    columns, stride = autoencoder.config.window or 1, autoencoder.config.stride
    turned = autoencoder.encode(jnp.roll(STATES, columns * stride, axis=2))
    expected = jnp.roll(autoencoder.encode(STATES), columns, axis=2)
    np.testing.assert_allclose(turned, expected, atol=1e-5)


def test_decoding_commutes_with_rotations_of_the_globe(autoencoder: Built) -> None:
    columns, stride = autoencoder.config.window or 1, autoencoder.config.stride
    latents = autoencoder.encode(STATES)
    turned = autoencoder.decode(jnp.roll(latents, columns, axis=2))
    expected = jnp.roll(autoencoder.decode(latents), columns * stride, axis=2)
    np.testing.assert_allclose(turned, expected, atol=1e-5)


def test_states_of_a_batch_do_not_know_each_other(autoencoder: Built) -> None:
    other = STATES.at[1].multiply(-3)
    np.testing.assert_allclose(
        autoencoder.encode(other)[0], autoencoder.encode(STATES)[0], atol=1e-5
    )


@pytest.mark.row(57)
def test_the_adjoint_of_the_decoder_fulfils_the_dot_product_identity(autoencoder: Built) -> None:
    latents = autoencoder.encode(STATES)
    direction = jnp.cos(jnp.arange(latents.size, dtype=jnp.float32)).reshape(latents.shape)
    _, tangent = jax.jvp(autoencoder.decode, (latents,), (direction,))
    back = jax.vjp(autoencoder.decode, latents)[1](STATES)[0]
    apart = float(jnp.vdot(tangent, STATES) - jnp.vdot(direction, back))
    assert abs(apart) <= 5e-6 * float(jnp.linalg.norm(tangent) * jnp.linalg.norm(STATES))


@pytest.mark.row(58)
def test_the_error_of_the_decoders_tangent_falls_with_the_square_of_the_step(
    autoencoder: Built,
) -> None:
    latents = autoencoder.encode(STATES)
    direction = jnp.cos(jnp.arange(latents.size, dtype=jnp.float32)).reshape(latents.shape)
    value, tangent = jax.jvp(autoencoder.decode, (latents,), (direction,))
    large, small = (
        float(jnp.linalg.norm(autoencoder.decode(latents + h * direction) - value - h * tangent))
        for h in (0.3, 0.03)
    )
    rounding = 2e-6 * float(jnp.linalg.norm(value))
    assert small < 1.5 * large / 100 + rounding


@pytest.mark.parametrize("name", CONFIGS)
def test_is_a_projection_of_patches_where_the_branches_are_silent(name: str) -> None:
    silent = built(name, 0.0)
    once = silent.decode(silent.encode(STATES))
    np.testing.assert_allclose(silent.decode(silent.encode(once)), once, atol=1e-5)


@pytest.mark.parametrize("kind", ["convolutional", "transformer"])
def test_same_key_gives_same_parameters_and_silent_branches(kind: str) -> None:
    config = AutoencoderConfig(kind=kind, width=4, depth=1, stride=1, latent_channels=2)

    @nnx.jit
    def build(key: jax.Array) -> PatchAutoencoder:
        return build_autoencoder(config, SHAPE, key)

    first, second = build(jax.random.key(4)), build(jax.random.key(4))
    for one, other in zip(
        jax.tree.leaves(nnx.state(first)), jax.tree.leaves(nnx.state(second)), strict=True
    ):
        assert np.array_equal(one, other)
    assert not np.any(first.encoder.out.kernel[...])
    assert not np.any(first.decoder.out.kernel[...])
    assert np.any(first.encoder.embed.kernel[...])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"latent_channels": 500}, "latent_channels"),
        ({"stride": 4, "latent_channels": 49}, "latent_channels"),
        ({"kind": "transformer", "heads": 3, "width": 8, "latent_channels": 4}, "heads"),
        ({"kind": "transformer", "window": 3, "width": 8, "latent_channels": 4}, "window"),
    ],
)
def test_sizes_that_do_not_go_together_are_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        build_autoencoder(AutoencoderConfig(**change), SHAPE, jax.random.key(0))


@pytest.mark.parametrize(("shape", "reason"), [((7, 16, 3), "latitudes"), ((8, 6, 3), "longit")])
def test_grid_that_the_stride_does_not_divide_is_refused(
    shape: tuple[int, int, int], reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        build_autoencoder(AutoencoderConfig(latent_channels=3), shape, jax.random.key(0))
