"""The objective and the reconstruction report."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from align_da.atmosphere import Grid, Layout, Normalisation, State, VerticalCoordinate
from align_da.autoencoder import (
    PairBatch,
    autoencoder_loss,
    build_autoencoder,
    initialise_from_patches,
    reconstruction_errors,
)
from align_da.config import AutoencoderConfig

GRID = Grid(
    tuple(np.linspace(-78.75, 78.75, 8)),
    tuple(np.arange(8) * 45.0),
    VerticalCoordinate("sigma", (0.5, 1.0)),
)
LAYOUT = Layout(GRID, ("temperature", "surface_pressure"))
WEIGHTS = jnp.asarray(GRID.area_weights)


class Scaled(nnx.Module):
    """Decodes what it encoded times a factor, plus an offset."""

    def __init__(self, factor, offset):
        self.factor = nnx.Param(jnp.asarray(factor))
        self.offset = nnx.Param(jnp.asarray(offset))
        self.latent_shape = LAYOUT.shape

    def encode(self, states):
        return states

    def decode(self, latents):
        return latents * self.factor[...] + self.offset[...]


def loss_of(autoencoder, batch, std, weight=1.0):
    graphdef, params = nnx.split(autoencoder)
    return autoencoder_loss(graphdef, WEIGHTS, std, weight)(params, batch, jax.random.key(0))


@pytest.fixture
def pairs():
    truth = jax.random.normal(jax.random.key(0), (3, *LAYOUT.shape))
    return PairBatch(truth, truth + 0.2 * jax.random.normal(jax.random.key(1), truth.shape))


def test_offset_counts_for_states_and_cancels_in_increments(pairs):
    value, metrics = loss_of(Scaled(1.0, 0.5), pairs, jnp.ones(3))
    np.testing.assert_allclose(metrics["state_error"], 0.25, rtol=1e-5)
    np.testing.assert_allclose(metrics["increment_error"], 0, atol=1e-10)
    np.testing.assert_allclose(value, 0.25, rtol=1e-5)


def test_increment_error_is_the_share_of_variance_that_is_lost(pairs):
    increment = pairs.truth - pairs.background
    std = jnp.sqrt(jnp.einsum("byxc,yx->c", increment**2, WEIGHTS) / 3)
    value, metrics = loss_of(Scaled(0.7, 0.0), pairs, std, weight=2.0)
    np.testing.assert_allclose(metrics["increment_error"], 0.09, rtol=1e-4)
    np.testing.assert_allclose(value, metrics["state_error"] + 0.18, rtol=1e-4)


def test_gradient_of_the_loss_moves_every_last_layer(pairs):
    config = AutoencoderConfig(width=4, depth=1, latent_channels=4)
    graphdef, params = nnx.split(build_autoencoder(config, LAYOUT.shape, jax.random.key(0)))
    loss = autoencoder_loss(graphdef, WEIGHTS, jnp.ones(3))
    gradient = jax.grad(loss, has_aux=True)(params, pairs, jax.random.key(0))[0]
    moved = nnx.merge(graphdef, gradient)
    for layer in (moved.linear.encoder, moved.encoder.out.kernel, moved.decoder.out.kernel):
        assert np.abs(layer[...]).max() > 0


def test_report_is_in_physical_units_by_variable(pairs):
    normalisation = Normalisation(jnp.array([280.0, 290.0, 1e5]), jnp.array([10.0, 10.0, 500.0]))
    truth, background = (
        normalisation.denormalise(values, LAYOUT) for values in (pairs.truth, pairs.background)
    )
    rows = reconstruction_errors(Scaled(0.7, 0.0), truth, background, normalisation)
    assert [(row.variable, row.units) for row in rows] == [
        ("temperature", "K"),
        ("surface_pressure", "Pa"),
    ]
    increment = np.asarray(truth.values - background.values)[..., 2]
    expected = np.sqrt((increment**2 * GRID.area_weights).sum(axis=(1, 2)).mean())
    np.testing.assert_allclose(rows[1].increment, expected, rtol=1e-3)
    np.testing.assert_allclose(rows[1].increment_error, 0.3 * expected, rtol=1e-3)
    np.testing.assert_allclose([row.increment_share_lost for row in rows], 0.09, rtol=1e-3)


def test_report_does_not_depend_on_the_size_of_the_micro_batch():
    values = jax.random.normal(jax.random.key(5), (11, *LAYOUT.shape))
    unit = Normalisation(jnp.zeros(3), jnp.ones(3))
    fitted = initialise_from_patches(
        build_autoencoder(
            AutoencoderConfig(width=4, depth=1, latent_channels=6), LAYOUT.shape, jax.random.key(0)
        ),
        values,
        0.1 * values,
        0.1 * jnp.ones(3),
    )
    whole = reconstruction_errors(fitted, State(values, LAYOUT), State(0 * values, LAYOUT), unit)
    error = fitted.decode(fitted.encode(values)) - values
    mean = jnp.einsum("byxc,yx->c", error**2, WEIGHTS) / 11
    np.testing.assert_allclose(whole[0].state_error, jnp.sqrt(mean[:2].mean()), rtol=1e-4)
