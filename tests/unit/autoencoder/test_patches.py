"""Patches and their principal components."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from align_da.autoencoder import initialise_from_patches
from align_da.autoencoder.patch_autoencoder import PatchAutoencoder
from align_da.autoencoder.patches import from_patches, to_patches
from align_da.config import AutoencoderConfig
from align_da.runs.autoencoders import build_autoencoder

SHAPE = (4, 8, 3)


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_patches_come_back_to_their_places(stride: int) -> None:
    fields = jax.random.normal(jax.random.key(0), (2, *SHAPE))
    assert np.array_equal(from_patches(to_patches(fields, stride), stride), fields)


def test_a_patch_holds_the_square_it_is_named_after() -> None:
    fields = jnp.arange(4 * 8 * 3.0).reshape(SHAPE)
    patch = to_patches(fields, 2)[1, 2]
    assert np.array_equal(patch, fields[2:4, 4:6].ravel())


def low_rank_states(rank: int) -> jax.Array:
    """States whose patches lie in a space of `rank` dimensions, about a mean that is not zero."""
    rng = np.random.default_rng(1)
    patches = 3.0 + rng.normal(size=(64, 2, 4, rank)) @ rng.normal(size=(rank, 12))
    return from_patches(jnp.asarray(patches, jnp.float32), 2)


@cache
def untrained(latent: int) -> PatchAutoencoder:
    config = AutoencoderConfig(width=4, depth=1, latent_channels=latent)
    return nnx.jit(lambda: build_autoencoder(config, SHAPE, jax.random.key(0)))()


def reconstruct(autoencoder: PatchAutoencoder, states: jax.Array) -> jax.Array:
    """What the linear map makes of states: the branches are silent before training."""
    patches = autoencoder.linear.encode(to_patches(states, 2))
    return from_patches(autoencoder.linear.decode(patches), 2)


def test_states_of_low_rank_are_reconstructed_exactly() -> None:
    states = low_rank_states(5)
    fitted = initialise_from_patches(
        untrained(5), states, states[:32] - states[32:], jnp.array([1.0, 0.5, 2.0])
    )
    np.testing.assert_allclose(reconstruct(fitted, states), states, atol=1e-4)


def test_latents_of_states_are_standardised() -> None:
    states = low_rank_states(8)
    fitted = initialise_from_patches(
        untrained(5), states, states[:32] - states[32:], jnp.array([1.0, 0.5, 2.0])
    )
    latents = fitted.linear.encode(to_patches(states, 2)).reshape(-1, 5)
    np.testing.assert_allclose(latents.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(latents.std(axis=0), 1, atol=1e-3)


def test_a_patch_of_one_number_is_its_own_latent() -> None:
    states = 3.0 + jax.random.normal(jax.random.key(2), (16, 1, 40, 1))
    config = AutoencoderConfig(width=4, depth=1, latent_channels=1, stride=1)
    alone = nnx.jit(lambda: build_autoencoder(config, (1, 40, 1), jax.random.key(0)))()
    fitted = initialise_from_patches(alone, states, states[:8] - states[8:], jnp.ones(1))
    patches = to_patches(states, 1)
    np.testing.assert_allclose(
        fitted.linear.decode(fitted.linear.encode(patches)), patches, atol=1e-5
    )


def test_directions_of_increments_come_before_larger_ones_of_states() -> None:
    """States vary in four patch directions, increments in another one: one latent goes to it."""
    rng = np.random.default_rng(3)
    directions = np.linalg.qr(rng.normal(size=(12, 5)))[0].T
    weights = rng.normal(size=(64, 2, 4, 5)) * [1.0, 1.0, 1.0, 1.0, 0.05]
    states = from_patches(jnp.asarray(weights @ directions, jnp.float32), 2)
    small = rng.normal(size=(64, 2, 4, 1)) * 0.05
    increments = from_patches(jnp.asarray(small * directions[4], jnp.float32), 2)
    std = jnp.full(3, float(increments.std()))
    fitted = initialise_from_patches(untrained(1), states, increments, std, increment_weight=100.0)
    decoded = reconstruct(fitted, increments) - reconstruct(fitted, 0 * increments)
    assert float(jnp.square(decoded - increments).mean() / jnp.square(increments).mean()) < 0.01


def test_principal_patches_lose_what_the_left_out_components_hold() -> None:
    """With equal standard deviations the error is the sum of the smallest eigenvalues."""
    states = low_rank_states(8)
    increments = 0.1 * (states - states.mean())
    before = np.asarray(untrained(5).linear.encoder[...]).copy()
    fitted = initialise_from_patches(
        untrained(5), states, increments, jnp.full(3, 0.1), increment_weight=1e-9
    )
    patches = np.asarray(to_patches(states, 2), np.float64).reshape(-1, 12)
    eigenvalues = np.linalg.eigvalsh(np.cov(patches, rowvar=False, bias=True))
    error = np.square(np.asarray(reconstruct(fitted, states) - states)).mean()
    np.testing.assert_allclose(error, eigenvalues[:7].sum() / 12, rtol=1e-3)
    assert np.array_equal(untrained(5).linear.encoder[...], before)
