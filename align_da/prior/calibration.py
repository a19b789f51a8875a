"""Self-calibration: how large background errors are today, told by the innovations of the cycle.

An innovation d = y − H x_b has the variance R + s V where background errors of the covariance s B
were assumed and V = diag(H B Hᵀ). The factor s is the one with which their chi-square is one,

    mean d² / (R + s V) = 1,

the innovation consistency of Desroziers et al. 2005 (Q. J. R. Meteorol. Soc. 131, 3385-3396)
for one scalar, as adaptive inflation takes it (Li, Kalnay and Miyoshi 2009, Q. J. R. Meteorol.
Soc. 135, 523-533). Thousands of observations a cycle determine it: no memory of past cycles is
needed, and a run that is resumed finds the same factor.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.atmosphere import State
from align_da.atmosphere.state import ensemble_mean
from align_da.guidance.prior_variance import estimate_prior_variance
from align_da.observations.contract import ObservationOperator
from align_da.observations.likelihood import Likelihood
from align_da.prior.latent_prior import Control, LatentPrior

SMALLEST, LARGEST = 1 / 16, 16.0
"""Bounds of the factor: beyond them something else is wrong."""
_BISECTIONS = 30
_DRAWS = 32  # of the prior: the variance of each of thousands of observations within a quarter


@jax.jit
def calibrated(
    prior: LatentPrior,
    operator: ObservationOperator,
    likelihood: Likelihood,
    background: State,
    lead_hours: Float[Array, ""],
    key: jax.Array,
) -> tuple[LatentPrior, Float[Array, ""]]:
    """The prior with the amplitude that the innovations of the ensemble mean ask for, and s."""
    mean = ensemble_mean(background)
    latent = prior.space.encode(mean.values)

    def equivalent(z: Control) -> Float[Array, " observation"]:
        return operator(prior.analysed(mean, latent, z, lead_hours))

    draws = jax.random.normal(key, (_DRAWS, *prior.control_shape))
    assumed = estimate_prior_variance(equivalent, draws)
    factor = background_factor(likelihood, operator(mean), assumed)
    return replace(prior, amplitude=prior.amplitude * jnp.sqrt(factor)), factor


def background_factor(
    likelihood: Likelihood,
    equivalent: Float[Array, " observation"],
    assumed: Float[Array, " observation"],
) -> Float[Array, ""]:
    """s, within its bounds; 1 where no observation is used.

    Args:
        likelihood: the observations and their errors; correlations do not matter for the mean.
        equivalent: H of the background mean.
        assumed: V, variance of H x under the assumed background errors, in squared units of each
            observation.
    """
    near = likelihood.near(equivalent, assumed)
    squared = jnp.square(near.standardised(equivalent))
    safe_variance = jnp.where(likelihood.used, near.variance, 1.0)
    ratio = jnp.where(likelihood.used, assumed, 0.0) / safe_variance
    count = jnp.sum(likelihood.used)

    def halve(
        _: int | Array, bounds: tuple[Float[Array, ""], Float[Array, ""]]
    ) -> tuple[Float[Array, ""], Float[Array, ""]]:
        low, high = bounds
        middle = (low + high) / 2
        too_large = jnp.sum(squared / (1 + jnp.exp(middle) * ratio)) > count
        return jnp.where(too_large, middle, low), jnp.where(too_large, high, middle)

    start = jnp.log(jnp.float32(SMALLEST)), jnp.log(jnp.float32(LARGEST))
    low, high = jax.lax.fori_loop(0, _BISECTIONS, halve, start)
    return jnp.where(count > 0, jnp.exp((low + high) / 2), 1.0)
