"""Diffusion posterior sampling (Chung et al. 2023, arXiv:2209.14687), the norm form of Align-DA.

The paper takes a step of the sampler and then x_t ← x_t − ζ ∇_{x_t} ‖r‖ with r = (y − A(ẑ)) / √R.
Its x_t is α x with x = z + σ n and α² = 1 / (1 + σ²): in x the step is −ζ (1 + σ²) ∇_x ‖r‖.
A sampler's step from σ to σ_next moves x by (1 − σ_next / σ) δ when D is shifted by δ: the rule of
the paper is the shift δ = −ζ (1 + σ²) / (1 − σ_next / σ) ∇_x ‖r‖. It grows with the number of
steps, does not vanish at σ → 0 (its last steps jitter by ζ, whatever R) and, being a norm, weighs
each of p observations by 1 / √p. It has no limit for many steps, so we keep its direction and take

    δ = −σ² κ ∇_x ‖r‖,   κ = ζ √p,

that is, the score of a Gaussian likelihood whose variance is R ‖r‖ / (√p ζ): the self-scaling of
DPS, with ζ = 1 exact once the residual has the size of the observation error, whatever the units,
the number of observations and the number of steps. As in the paper, ζ sets residual and spread
(root mean square of r about 1 / ζ). The step ends where the linearised residual vanishes along its
direction: far from the observations, at high noise, the score would else overshoot.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.diffusion.contract import Denoiser
from align_da.diffusion.effort import Effort
from align_da.guidance.approximate import tell_approximate
from align_da.guidance.contract import Field, Guidance, LatentOperator
from align_da.guidance.pullback import linearise, safe_ratio
from align_da.guidance.unobserved import GuidedDenoiser
from align_da.observations.likelihood import Likelihood


def dps_guidance(strength: float) -> Guidance:
    """DPS with ζ = `strength`."""
    tell_approximate("DPS", 1.2, 2.2)

    def guide(denoiser: Denoiser, operator: LatentOperator, likelihood: Likelihood) -> Denoiser:
        root_of_count = jnp.sqrt(jnp.sum(likelihood.used))

        def guided(noisy: Field, sigma: Float[Array, ""]) -> tuple[Field, Effort]:
            at = linearise(denoiser, operator, likelihood, noisy, sigma)
            # A perfect fit has no direction: its norm of 0 gives the shift 0, not NaN.
            size = jnp.sqrt(jnp.sum(jnp.square(at.residual)))
            direction = at.residual / jnp.where(size > 0, size, 1.0)
            at_denoised, at_noisy = at.pull(direction)
            slope = jnp.vdot(at_denoised, at_noisy)  # decrease of the norm a unit of shift
            step = jnp.minimum(strength * root_of_count * sigma**2, safe_ratio(size, slope))
            return at.denoised - step * at_noisy, Effort.unknown()

        return GuidedDenoiser(denoiser, guided, likelihood)

    return guide
