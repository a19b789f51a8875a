"""Moment-matching posterior sampling (Rozet et al. 2024, arXiv:2405.13712).

The likelihood of a noisy x is Gaussian about A(ẑ) with the variance R + A cov(z | x) Aᵀ, where
cov(z | x) = σ² D', so that the denoised estimate moves to

    ẑ ← ẑ + cov(z | x) Aᵀ u,   (R + A cov(z | x) Aᵀ) u = y − A(ẑ),

the system solved to a tolerance in units of √R by a method that does without symmetry: the
Jacobian D' of a network is not quite symmetric, and conjugate gradients may break down on it. No
parameter and no unit: in the linear-Gaussian conformance it is the posterior to the accuracy of
the sampler. `strength` multiplies cov inside the system: above 1 the guidance is weaker.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.diffusion.contract import Denoiser
from align_da.diffusion.effort import Effort
from align_da.guidance.contract import Field, Guidance, LatentOperator
from align_da.guidance.krylov import Krylov
from align_da.guidance.near_estimate import near_estimate
from align_da.guidance.unobserved import GuidedDenoiser
from align_da.observations.likelihood import Likelihood


def mmps_guidance(strength: float, solver: Krylov) -> Guidance:
    """MMPS; an iteration of its `solver` is as dear as a gradient through the network."""

    def guide(denoiser: Denoiser, operator: LatentOperator, likelihood: Likelihood) -> Denoiser:
        def guided(noisy: Field, sigma: Float[Array, ""]) -> tuple[Field, Effort]:
            denoised, pull_denoiser = jax.vjp(lambda x: denoiser(x, sigma), noisy)
            near = near_estimate(likelihood, operator, denoised, sigma**2 / (1 + sigma**2))
            # The residual falls where the estimate rises: its tangent is −R^-½ A.
            residual, forward = jax.linearize(lambda z: near.residual(operator(z)), denoised)
            transpose = jax.linear_transpose(forward, denoised)

            def move(weight: Float[Array, " observation"]) -> Field:
                """−cov(z | x) Aᵀ R^-½ applied to a weight."""
                change: Field = sigma**2 * pull_denoiser(*transpose(weight))[0]
                return change

            def innovation_covariance(
                weight: Float[Array, " observation"],
            ) -> Float[Array, " observation"]:
                covered: Float[Array, " observation"]
                covered = weight + strength * forward(move(weight))
                return covered

            count = jnp.sum(near.used)
            weight, effort = solver.at_noise(sigma).solve(
                innovation_covariance, residual, count, symmetric=False
            )
            return denoised - move(weight), effort

        return GuidedDenoiser(denoiser, guided, likelihood)

    return guide
