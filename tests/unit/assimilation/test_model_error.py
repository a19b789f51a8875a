"""The correction of forecasts by the mean of their error."""

from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from align_da.assimilation.model_error import ModelErrorCorrection
from align_da.atmosphere import Grid, Layout, Normalisation, State, VerticalCoordinate
from align_da.autoencoder.identity import IdentityAutoencoder
from align_da.autoencoder.latent_space import LatentSpace
from align_da.config import DenoiserConfig
from align_da.diffusion.condition import Condition
from align_da.diffusion.objective import DenoisingBatch
from align_da.prior.increment_correlation import no_correlation
from align_da.prior.latent_scaling import LatentScaling
from align_da.runs.denoisers import build_denoiser_network
from align_da.stages.train_model_error import regression_loss

LAYOUT = Layout(
    Grid((-45.0, 0.0, 45.0, 60.0), (0.0, 90.0, 180.0, 270.0), VerticalCoordinate("index", (1.0,))),
    ("lorenz_96",),
)
MEAN, STD, ROOT = 10.0, 2.0, 0.5
STATES = State(MEAN + jax.random.normal(jax.random.key(0), (3, *LAYOUT.shape)), LAYOUT)

Network = Callable[[jax.Array, jax.Array, Condition], jax.Array]


def halfway_to_the_climate(noisy: jax.Array, _: jax.Array, condition: Condition) -> jax.Array:
    """A network that knows that forecasts are too far from the climate."""
    assert noisy.shape == condition.background.shape
    return -0.5 * condition.background


def correction(network: Network) -> ModelErrorCorrection:
    shape = LAYOUT.shape
    scaling = LatentScaling(
        jnp.asarray([6.0]),
        jnp.full((1, shape[0], 1, 1), ROOT),
        jnp.zeros(1),
        jnp.ones(1),
        no_correlation(shape, 1),
    )
    normalisation = Normalisation(jnp.full(1, MEAN), jnp.full(1, STD))
    space = LatentSpace(IdentityAutoencoder(shape), normalisation)
    # A function is no pytree: it passes through jit as a static part.
    return ModelErrorCorrection(space, jax.tree_util.Partial(network), scaling, 6)


def test_forecasts_are_moved_by_the_mean_of_their_error() -> None:
    found = correction(halfway_to_the_climate)(STATES)
    expected = STATES.values - 0.5 * ROOT * (STATES.values - MEAN)
    np.testing.assert_allclose(found.values, expected, rtol=1e-5)
    assert found.layout == STATES.layout


def test_half_a_share_moves_half_as_far() -> None:
    whole = correction(halfway_to_the_climate)
    half = replace(whole, share=0.5)
    moved, halfway = (each(STATES).values - STATES.values for each in (whole, half))
    np.testing.assert_allclose(halfway, 0.5 * moved, rtol=1e-3, atol=1e-5)


def test_a_forecast_is_corrected_as_it_is_alone() -> None:
    together = correction(halfway_to_the_climate)(STATES).values
    alone = correction(halfway_to_the_climate)(State(STATES.values[1:2], LAYOUT)).values
    np.testing.assert_array_equal(np.asarray(together[1:2]), np.asarray(alone))


def test_an_untrained_network_corrects_nothing() -> None:
    settings = DenoiserConfig(width=8, levels=2)
    network = build_denoiser_network(settings, LAYOUT.shape, jax.random.key(1))
    found = correction(network)(STATES)
    np.testing.assert_allclose(found.values, STATES.values, rtol=1e-6)


@pytest.mark.parametrize(("gain", "left"), [(0.0, 1.0), (0.5, 0.25), (1.0, 0.0)])
def test_the_loss_is_the_share_of_the_error_that_is_left(gain: float, left: float) -> None:
    class Echo(nnx.Module):
        def __init__(self) -> None:
            self.gain = nnx.Param(jnp.asarray(gain))

        def __call__(self, _noisy: jax.Array, _level: jax.Array, given: Condition) -> jax.Array:
            return self.gain[...] * given.background

    increment = jax.random.normal(jax.random.key(2), (5, 4, 4, 1))
    hours = jnp.full(5, 6.0)
    batch = DenoisingBatch(increment, Condition(increment, hours))
    graph, params = nnx.split(Echo())
    value, metrics = regression_loss(graph)(params, batch, jax.random.key(0))
    assert float(value) == pytest.approx(left, abs=1e-6)
    assert metrics["loss"] is value
