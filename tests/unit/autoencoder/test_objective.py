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
    reconstruction_errors,
    reconstruction_variances,
)
from align_da.config import AutoencoderConfig
from align_da.runs.autoencoders import build_autoencoder

GRID = Grid(
    tuple(np.linspace(-78.75, 78.75, 8)),
    tuple(np.arange(8) * 45.0),
    VerticalCoordinate("sigma", (0.5, 1.0)),
)
LAYOUT = Layout(GRID, ("temperature", "surface_pressure"))
WEIGHTS = jnp.asarray(GRID.area_weights)


class Scaled(nnx.Module):
    """Decodes what it encoded times a factor, plus an offset."""

    def __init__(self, factor: float, offset: float) -> None:
        self.factor = nnx.Param(jnp.asarray(factor))
        self.offset = nnx.Param(jnp.asarray(offset))
        self.latent_shape = LAYOUT.shape

    def encode(self, states: jax.Array) -> jax.Array:
        return states

    def decode(self, latents: jax.Array) -> jax.Array:
        return latents * self.factor[...] + self.offset[...]


def loss_of(
    autoencoder: nnx.Module, batch: PairBatch, std: jax.Array, weight: float = 1.0
) -> tuple[jax.Array, dict[str, jax.Array]]:
    graphdef, params = nnx.split(autoencoder)
    return autoencoder_loss(graphdef, WEIGHTS, std, weight)(params, batch, jax.random.key(0))


@pytest.fixture
def pairs() -> PairBatch:
    rng = np.random.default_rng(0)
    truth, error = rng.normal(size=(2, 3, *LAYOUT.shape))
    return PairBatch(
        jnp.asarray(truth, jnp.float32), jnp.asarray(truth + 0.2 * error, jnp.float32)
    )


def test_offset_counts_for_states_and_cancels_in_increments(pairs: PairBatch) -> None:
    value, metrics = loss_of(Scaled(1.0, 0.5), pairs, jnp.ones(3))
    np.testing.assert_allclose(metrics["state_error"], 0.25, rtol=1e-5)
    np.testing.assert_allclose(metrics["increment_error"], 0, atol=1e-10)
    np.testing.assert_allclose(value, 0.25, rtol=1e-5)


def test_increment_error_is_the_share_of_variance_that_is_lost(pairs: PairBatch) -> None:
    increment = pairs.truth - pairs.background
    std = jnp.sqrt(jnp.einsum("byxc,yx->c", increment**2, WEIGHTS) / 3)
    value, metrics = loss_of(Scaled(0.7, 0.0), pairs, std, weight=2.0)
    np.testing.assert_allclose(metrics["increment_error"], 0.09, rtol=1e-4)
    np.testing.assert_allclose(value, metrics["state_error"] + 0.18, rtol=1e-4)


def test_gradient_of_the_loss_reaches_linear_map_and_last_layers(pairs: PairBatch) -> None:
    config = AutoencoderConfig(width=4, depth=1, latent_channels=4)

    @nnx.jit
    def gradient_of() -> nnx.State:
        graphdef, params = nnx.split(build_autoencoder(config, LAYOUT.shape, jax.random.key(0)))
        loss = autoencoder_loss(graphdef, WEIGHTS, jnp.ones(3))
        return jax.grad(loss, has_aux=True)(params, pairs, jax.random.key(0))[0]

    gradient = gradient_of()
    for leaf in (
        gradient.linear.encoder,
        gradient.linear.decoder,
        gradient.encoder.out.kernel,
        gradient.decoder.out.kernel,
    ):
        assert np.abs(leaf[...]).max() > 0


def test_report_is_in_physical_units_by_variable(pairs: PairBatch) -> None:
    normalisation = Normalisation(jnp.array([280.0, 290.0, 1e5]), jnp.array([10.0, 10.0, 500.0]))
    truth, background = (
        State(values * normalisation.std + normalisation.mean, LAYOUT)
        for values in (pairs.truth, pairs.background)
    )
    variances = reconstruction_variances(Scaled(0.7, 0.0), [(truth, background)], normalisation)
    rows = reconstruction_errors(variances, LAYOUT)
    assert [(row.variable, row.units) for row in rows] == [
        ("temperature", "K"),
        ("surface_pressure", "Pa"),
    ]
    increment = np.asarray(truth.values - background.values)[..., 2]
    expected = np.sqrt((increment**2 * GRID.area_weights).sum(axis=(1, 2)).mean())
    np.testing.assert_allclose(rows[1].increment, expected, rtol=1e-3)
    np.testing.assert_allclose(rows[1].increment_error, 0.3 * expected, rtol=1e-3)
    np.testing.assert_allclose([row.increment_share_lost for row in rows], 0.09, rtol=1e-3)


def test_report_holds_for_blocks_of_more_cases_than_a_micro_batch() -> None:
    values = jnp.asarray(np.random.default_rng(5).normal(size=(11, *LAYOUT.shape)), jnp.float32)
    unit = Normalisation(jnp.zeros(3), jnp.ones(3))
    blocks = [
        (State(some, LAYOUT), State(0.5 * some, LAYOUT)) for some in (values[:9], values[9:])
    ]
    variances = reconstruction_variances(Scaled(0.5, 0.0), blocks, unit)
    rows = reconstruction_errors(variances, LAYOUT)
    mean = jnp.einsum("byxc,yx->c", (0.5 * values) ** 2, WEIGHTS) / 11
    np.testing.assert_allclose(rows[0].state_error, jnp.sqrt(mean[:2].mean()), rtol=1e-4)
    np.testing.assert_allclose(rows[0].increment_share_lost, 0.25, rtol=1e-4)
