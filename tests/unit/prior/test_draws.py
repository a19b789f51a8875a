"""Draws of the prior without observations."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from align_da.atmosphere import Grid, Layout, Normalisation, State, VerticalCoordinate
from align_da.autoencoder.identity import IdentityAutoencoder
from align_da.autoencoder.latent_space import LatentSpace
from align_da.diffusion.contract import Denoiser
from align_da.prior.draws import draw_from_prior
from align_da.prior.ensemble_errors import EnsembleErrors
from align_da.prior.increment_correlation import CorrelationRank
from align_da.prior.latent_prior import LatentPrior
from align_da.prior.latent_scaling import estimate_scaling
from align_da.prior.static_prior import static_prior

LAYOUT = Layout(
    Grid(
        (-60.0, 0.0, 60.0),
        tuple((np.arange(8) * 45.0).tolist()),
        VerticalCoordinate("sigma", (0.3, 0.9)),
    ),
    ("temperature",),
)
MEMBERS = 3


def prior() -> LatentPrior:
    truth, background = np.random.default_rng(0).normal(size=(2, 40, *LAYOUT.shape))
    pairs = {24: (truth.astype(np.float32), background.astype(np.float32))}
    scaling = estimate_scaling(pairs, CorrelationRank(modes=1, radius=4e6))
    space = LatentSpace(
        IdentityAutoencoder(LAYOUT.shape), Normalisation(jnp.zeros(2), jnp.ones(2))
    )
    return static_prior(space, scaling)


def noise(_: Denoiser, key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Draws of a prior that is white."""
    return jax.random.normal(key, shape)


def ensemble(share: float) -> EnsembleErrors:
    """Members that differ at the lower level alone, everywhere alike."""
    apart = jnp.asarray([-1.0, 0.0, 1.0])[:, None, None, None] * jnp.asarray([0.0, 1.0])
    columns = LAYOUT.shape[0] * LAYOUT.shape[1]
    return EnsembleErrors(
        jnp.broadcast_to(apart, (MEMBERS, *LAYOUT.shape)), jnp.eye(columns), share
    )


def test_a_prior_with_an_ensemble_is_drawn_with_its_members() -> None:
    background = State(jnp.zeros(LAYOUT.shape), LAYOUT)
    hybrid = replace(prior(), ensemble=ensemble(1.0))
    states, latents = draw_from_prior(hybrid, noise, background, 24.0, jax.random.key(0), 200)
    assert states.values.shape == (200, *LAYOUT.shape)
    assert latents.shape == (200, *LAYOUT.shape)
    # With a share of 1 the errors are those of the members: variance 2 below and none above.
    variance = states.values.var(axis=0).mean(axis=(0, 1))
    np.testing.assert_allclose(variance, [0.0, 2.0], rtol=0.1, atol=1e-6)


def test_a_prior_without_an_ensemble_is_drawn_as_before() -> None:
    background = State(jnp.ones(LAYOUT.shape), LAYOUT)
    alone, latents = draw_from_prior(prior(), noise, background, 24.0, jax.random.key(0), 4)
    assert alone.values.shape == latents.shape == (4, *LAYOUT.shape)
    assert float(alone.values.std()) > 0.1
