"""Patches and their principal components."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.autoencoder import build_autoencoder, initialise_from_patches
from align_da.autoencoder.patches import from_patches, to_patches
from align_da.config import AutoencoderConfig

SHAPE = (4, 8, 3)


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_patches_come_back_to_their_places(stride):
    fields = jax.random.normal(jax.random.key(0), (2, *SHAPE))
    assert np.array_equal(from_patches(to_patches(fields, stride), stride), fields)


def test_a_patch_holds_the_square_it_is_named_after():
    fields = jnp.arange(4 * 8 * 3.0).reshape(SHAPE)
    patch = to_patches(fields, 2)[1, 2]
    assert np.array_equal(patch, fields[2:4, 4:6].ravel())


def low_rank_samples(rank, count=64):
    """States whose patches lie in a space of `rank` dimensions, about a mean that is not zero."""
    basis = jax.random.normal(jax.random.key(1), (rank, 12))
    weights = jax.random.normal(jax.random.key(2), (count, 2, 4, rank))
    return from_patches(3.0 + weights @ basis, 2)


def autoencoder_of(latent):
    config = AutoencoderConfig(width=4, depth=1, latent_channels=latent)
    return build_autoencoder(config, SHAPE, jax.random.key(0))


def test_states_of_low_rank_are_reconstructed_exactly():
    states = low_rank_samples(5)
    increments = states[:32] - states[32:]
    fitted = initialise_from_patches(autoencoder_of(5), states, increments, jnp.ones(3))
    np.testing.assert_allclose(fitted.decode(fitted.encode(states)), states, atol=1e-4)


def test_latents_of_states_are_standardised():
    states = low_rank_samples(5)
    fitted = initialise_from_patches(
        autoencoder_of(4), states, states[:32] - states[32:], jnp.ones(3)
    )
    latents = fitted.encode(states).reshape(-1, 4)
    np.testing.assert_allclose(latents.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(latents.std(axis=0), 1, atol=1e-3)


def test_components_of_increments_are_kept_before_larger_ones_of_states():
    """Two latents: states vary most in channel 0, increments in channels 1 and 2 alone."""
    noise = jax.random.normal(jax.random.key(3), (64, 1, 2, 3))
    flat = jnp.broadcast_to(noise, (64, 4, 2, 3)).repeat(4, axis=2)
    states = flat * jnp.array([1.0, 0.7, 0.7])
    increments = flat * jnp.array([0.0, 0.1, 0.1])
    std = jnp.array([0.1, 0.1, 0.1])
    fitted = initialise_from_patches(
        autoencoder_of(2), states, increments, std, increment_weight=10.0
    )
    decoded = fitted.decode(fitted.encode(increments)) - fitted.decode(
        fitted.encode(0 * increments)
    )
    np.testing.assert_allclose(decoded, increments, atol=1e-3)


def test_principal_patches_beat_a_random_projection_and_leave_the_original_alone():
    states = low_rank_samples(8)
    plain = autoencoder_of(4)
    before = np.asarray(plain.linear.encoder[...]).copy()
    fitted = initialise_from_patches(plain, states, states[:32] - states[32:], jnp.ones(3))

    def error(autoencoder):
        return float(jnp.square(autoencoder.decode(autoencoder.encode(states)) - states).mean())

    assert error(fitted) < 0.5 * error(plain)
    assert np.array_equal(plain.linear.encoder[...], before)
