"""Jacobian-free posterior sampling: the covariance inside the guidance is given, not learned.

Under the prior z ~ N(0, I) the covariance of z given x = z + σ n is c I with c = σ² / (1 + σ²),
whatever the network says of the mean, and the denoised estimate moves to

    ẑ ← ẑ + c Aᵀ (R + c A Aᵀ)⁻¹ (y − A(ẑ)),

with A linearised at ẑ. The system is solved in observation space, to a tolerance. As z is
white in the control variable of the background errors, this is the analysis of latent 3D-Var at
every noise level, to which the network adds what it knows of this background; with a network that
predicts nothing the sampler draws from the posterior of latent 3D-Var (linear-Gaussian
conformance). No gradient passes through the network. `strength` multiplies c inside the inverse:
above 1 the guidance is weaker.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.diffusion.contract import Denoiser
from align_da.diffusion.effort import Effort
from align_da.guidance.contract import Field, Guidance, LatentOperator
from align_da.guidance.dual import dual_gradient
from align_da.guidance.krylov import Krylov
from align_da.guidance.near_estimate import near_estimate
from align_da.guidance.unobserved import GuidedDenoiser
from align_da.observations.likelihood import Likelihood


def jfps_guidance(strength: float, solver: Krylov) -> Guidance:
    """JFPS, its system solved as `solver` says; an iteration is a tangent and a gradient of A."""

    def guide(denoiser: Denoiser, operator: LatentOperator, likelihood: Likelihood) -> Denoiser:
        def guided(noisy: Field, sigma: Float[Array, ""]) -> tuple[Field, Effort]:
            denoised = denoiser(noisy, sigma)
            variance = sigma**2 / (1 + sigma**2)
            near = near_estimate(likelihood, operator, denoised, variance)
            # The residual falls where the estimate rises: its tangent is −R^-½ A.
            residual, forward = jax.linearize(lambda z: near.residual(operator(z)), denoised)
            count, inflated = jnp.sum(near.used), strength * variance
            gradient, effort = dual_gradient(
                forward, denoised, residual, inflated, count, solver.at_noise(sigma)
            )
            moved: Field = denoised - variance * gradient
            return moved, effort

        return GuidedDenoiser(denoiser, guided, likelihood)

    return guide
