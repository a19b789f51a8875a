"""Moment-matching posterior sampling (Rozet et al. 2024, arXiv:2405.13712) with one CG iteration.

The likelihood of a noisy x is Gaussian about A(ẑ) with the variance R + A cov(z | x) Aᵀ, where
cov(z | x) = σ² D'. Solving (R + A cov Aᵀ) u = y − A(ẑ) by one iteration of conjugate gradients,
preconditioned by R, takes only what the gradient itself needs:

    u = R⁻¹ (y − A(ẑ)) / (1 + ρ),   ρ = Rayleigh quotient of R^-½ A cov Aᵀ R^-½ at the residual.

No parameter and no unit: in the linear-Gaussian conformance it is the nearest to the Kalman
posterior of all methods at this cost. `strength` multiplies cov: above 1 the guidance is weaker.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.diffusion.contract import Denoiser
from align_da.guidance.contract import Guidance, LatentOperator, Likelihood
from align_da.guidance.pullback import linearise, safe_ratio
from align_da.guidance.unobserved import prior_if_unobserved


def mmps_guidance(strength: float) -> Guidance:
    """MMPS whose covariance of z given x is multiplied by `strength` (1 is the method)."""

    def guide(denoiser: Denoiser, operator: LatentOperator, likelihood: Likelihood) -> Denoiser:
        def guided(
            noisy: Float[Array, "lat lon latent"], sigma: Float[Array, ""]
        ) -> Float[Array, "lat lon latent"]:
            at = linearise(denoiser, operator, likelihood, noisy, sigma)
            at_denoised, at_noisy = at.pull(at.residual)
            slope = jnp.maximum(jnp.vdot(at_denoised, at_noisy), 0.0)
            quotient = sigma**2 * safe_ratio(slope, jnp.sum(jnp.square(at.residual)))
            return at.denoised - sigma**2 / (1 + strength * quotient) * at_noisy

        return prior_if_unobserved(denoiser, guided, likelihood)

    return guide
