"""The gradient that every gradient-based guidance needs: observation space → noisy latent.

With ẑ = D(x, σ), residual r = R^-½ (y − A(ẑ)) and a weight w in observation space,
    v = −A'ᵀ R^-½ᵀ w (at the denoised estimate) and g = D'ᵀ v (at the noisy input),
where primes are Jacobians. σ² D' is the covariance of z given x (Miyasawa's relation), so that
−σ² g is the covariance of z with the observations applied to w.
"""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.diffusion.contract import Denoiser
from align_da.guidance.contract import Field, LatentOperator
from align_da.guidance.near_estimate import near_estimate
from align_da.observations.likelihood import Likelihood

_TINY = 1e-20  # below any squared gradient that matters; keeps 0 / 0 from becoming NaN


@dataclass(frozen=True)
class Linearisation:
    """The denoiser and the residual at one noisy input.

    Attributes:
        denoised: ẑ.
        likelihood: Gaussian; of long tails, what they are near ẑ.
        residual: r.
        pull: w → (v, g).
    """

    denoised: Field
    likelihood: Likelihood
    residual: Float[Array, " observation"]
    pull: Callable[[Float[Array, " observation"]], tuple[Field, Field]]


def linearise(
    denoiser: Denoiser,
    operator: LatentOperator,
    likelihood: Likelihood,
    noisy: Field,
    sigma: Float[Array, ""],
) -> Linearisation:
    """Evaluate denoiser and operator once and keep what their transposed Jacobians need."""
    denoised, pull_denoiser = jax.vjp(lambda x: denoiser(x, sigma), noisy)
    near = near_estimate(likelihood, operator, denoised, sigma**2 / (1 + sigma**2))
    residual, pull_operator = jax.vjp(lambda z: near.residual(operator(z)), denoised)

    def pull(weight: Float[Array, " observation"]) -> tuple[Field, Field]:
        (at_denoised,) = pull_operator(weight)
        (at_noisy,) = pull_denoiser(at_denoised)
        return at_denoised, at_noisy

    return Linearisation(denoised, near, residual, pull)


def safe_ratio(numerator: Float[Array, ""], denominator: Float[Array, ""]) -> Float[Array, ""]:
    """The ratio of a non-negative number and one that should be positive."""
    return numerator / jnp.maximum(denominator, _TINY)
