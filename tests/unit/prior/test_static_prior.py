"""The prior without a network."""

import jax
import jax.numpy as jnp
import numpy as np

from align_da.atmosphere import Normalisation
from align_da.autoencoder.identity import IdentityAutoencoder
from align_da.autoencoder.latent_space import LatentSpace
from align_da.prior.increment_correlation import CorrelationRank
from align_da.prior.latent_scaling import estimate_scaling
from align_da.prior.static_prior import static_prior

SHAPE = (3, 8, 2)


def test_the_static_prior_is_white_in_its_control_variable() -> None:
    """The denoiser of N(0, 1) takes z + σ n to z / (1 + σ²)."""
    truth, background = np.random.default_rng(0).normal(size=(2, 40, *SHAPE)).astype(np.float32)
    scaling = estimate_scaling({24: (truth, background)}, CorrelationRank(modes=1, radius=4e6))
    space = LatentSpace(IdentityAutoencoder(SHAPE), Normalisation(jnp.zeros(2), jnp.ones(2)))
    prior = static_prior(space, scaling)
    noisy = jax.random.normal(jax.random.key(0), prior.control_shape)
    denoise = prior.denoiser(jnp.asarray(background[0]), jnp.float32(24.0))
    np.testing.assert_allclose(denoise(noisy, jnp.float32(2.0)), noisy / 5, rtol=1e-5)
    assert prior.truncation is None
    assert prior.representation is None
