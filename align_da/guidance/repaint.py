"""RePaint (Lugmayr et al. 2022, arXiv:2201.09865) for observations through any operator.

RePaint composites: where a value is observed it replaces the sample's. In the latent space of an
autoencoder there is no mask, so the denoised estimate is moved by the smallest change that fits,

    ẑ ← ẑ + Aᵀ (A Aᵀ)⁺ (y − A(ẑ)),

with A linearised at ẑ. For a mask A this is the composite m y + (1 − m) ẑ itself. Only y and A
enter, never the truth: Align-DA composites with the encoded truth, which lets unobserved truth
through. As in the paper R plays no role (rows are divided by √R only so that units do not spoil
the system), so that noisy observations are over-fitted and the ensemble loses spread. Gross errors
would be fitted too: errors with long tails are refused.

The inverse is a regularised one. Through a decoder some directions of the observations are hardly
seen; fitting them needs changes so large that the linearisation fails, and the analysis is worse
than its background. Iterated Tikhonov regularisation (Engl, Hanke and Neubauer 1996, section 5.1)
with few conjugate gradient iterations each fits every direction that is seen well, a mask to
rounding, and leaves those alone. Seen well is relative to A Aᵀ, unless no direction is, as where H
is saturated: a trust region (Levenberg 1944, Marquardt 1963) then keeps the change finite. A
damping α bounds the change of a refinement by |r| / (2 √α), here by Δ √p: Δ prior standard
deviations for each of p observations.

The repetitions of RePaint re-noise the composite and denoise again, so that the unobserved part
takes notice. Here the noise of the sample is put back: x' = x + (composite − ẑ). Where it settles,
D(x') fits the observations; for a Gaussian prior that is E[z | x, A z = y] exactly.
"""

import jax
import jax.numpy as jnp
from jax.scipy.sparse.linalg import cg
from jaxtyping import Array, Float

from align_da.diffusion.contract import Denoiser
from align_da.diffusion.effort import Effort
from align_da.errors import InputError
from align_da.guidance.approximate import tell_approximate
from align_da.guidance.contract import Field, Guidance, LatentOperator
from align_da.guidance.pullback import safe_ratio
from align_da.guidance.unobserved import GuidedDenoiser
from align_da.observations.contract import RobustErrors
from align_da.observations.likelihood import Likelihood

_REFINEMENTS = 5
_CG_ITERATIONS = 3  # a refinement
_DAMPING = 0.1  # of the size of A Aᵀ
_LARGEST = 5.0  # Δ: within what the truth lies, so that it bounds no change that is right


def repaint_guidance(repetitions: int) -> Guidance:
    """RePaint with `repetitions` composites a denoiser call (as many network calls)."""
    tell_approximate("RePaint", 0.3, 0.5)

    def guide(denoiser: Denoiser, operator: LatentOperator, likelihood: Likelihood) -> Denoiser:
        _refuse_long_tails(likelihood)

        def guided(noisy: Field, sigma: Float[Array, ""]) -> tuple[Field, Effort]:
            def renoise(_: int | Array, x: Field) -> Field:
                return x + _change_that_fits(denoiser(x, sigma), operator, likelihood)

            settled = jax.lax.fori_loop(0, repetitions - 1, renoise, noisy)
            denoised = denoiser(settled, sigma)
            moved = denoised + _change_that_fits(denoised, operator, likelihood)
            return moved, Effort.unknown()

        return GuidedDenoiser(denoiser, guided, likelihood)

    return guide


def _change_that_fits(denoised: Field, operator: LatentOperator, likelihood: Likelihood) -> Field:
    """A small change of `denoised` that brings the linearised residual near zero."""
    residual, forward = jax.linearize(lambda z: likelihood.residual(operator(z)), denoised)
    transpose = jax.linear_transpose(forward, denoised)
    (first,) = transpose(residual)
    misfit, count = jnp.vdot(residual, residual), jnp.sum(likelihood.used)
    trust = misfit / (4 * _LARGEST**2 * jnp.maximum(count, 1))
    seen = safe_ratio(jnp.vdot(first, first), misfit)
    damping = jnp.maximum(_DAMPING * seen, trust)

    def normal(u: Float[Array, " observation"]) -> Float[Array, " observation"]:
        return jnp.asarray(forward(*transpose(u)) + damping * u)

    def refine(_: int | Array, change: Field) -> Field:
        left = residual + forward(change)
        solution, _info = cg(normal, left, maxiter=_CG_ITERATIONS)  # type: ignore[no-untyped-call]
        return jnp.asarray(change - transpose(solution)[0])

    return jnp.asarray(jax.lax.fori_loop(0, _REFINEMENTS, refine, jnp.zeros_like(denoised)))


def _refuse_long_tails(likelihood: Likelihood) -> None:
    """Raise an InputError where a fit of every observation is not meant."""
    if isinstance(likelihood.errors, RobustErrors):
        message = (
            f"RePaint fits every observation, whatever its error: expected Gaussian observation "
            f"errors, got {likelihood.errors}; take another guidance (jfps, mmps)"
        )
        raise InputError(message)
