"""RePaint (Lugmayr et al. 2022, arXiv:2201.09865) for observations through any operator.

RePaint composites: where a value is observed it replaces the sample's. In the latent space of an
autoencoder there is no mask, so the denoised estimate is moved by the smallest change that fits,

    ẑ ← ẑ + Aᵀ (A Aᵀ)⁺ (y − A(ẑ)),

with A linearised at ẑ and the system solved by conjugate gradients. For a mask A this is the
composite m y + (1 − m) ẑ itself. Only y and A enter, never the truth: Align-DA composites with the
encoded truth, which lets unobserved truth through. As in the paper R plays no role (the residual
is near zero whatever R; rows are divided by √R only so that units do not spoil the system), so
that noisy observations are over-fitted and the ensemble loses spread.

The repetitions of RePaint re-noise the composite and denoise again, so that the unobserved part
takes notice. Here the noise of the sample is put back: x' = x + (composite − ẑ). Where it settles,
D(x') fits the observations; for a Gaussian prior that is E[z | x, A z = y] exactly.
"""

import jax
import jax.numpy as jnp
from jax.scipy.sparse.linalg import cg
from jaxtyping import Array, Float

from align_da.diffusion.contract import Denoiser
from align_da.guidance.contract import Guidance, LatentOperator, Likelihood
from align_da.guidance.pullback import safe_ratio
from align_da.guidance.unobserved import prior_if_unobserved

_CG_ITERATIONS = 10
_DAMPING = 1e-5  # of the size of A Aᵀ: repeated observations make it singular


def repaint_guidance(repetitions: int) -> Guidance:
    """RePaint with `repetitions` composites a denoiser call (as many network calls)."""

    def guide(denoiser: Denoiser, operator: LatentOperator, likelihood: Likelihood) -> Denoiser:
        def guided(
            noisy: Float[Array, "lat lon latent"], sigma: Float[Array, ""]
        ) -> Float[Array, "lat lon latent"]:
            def renoise(
                _: int | Array, x: Float[Array, "lat lon latent"]
            ) -> Float[Array, "lat lon latent"]:
                return x + _change_that_fits(denoiser(x, sigma), operator, likelihood)

            settled = jax.lax.fori_loop(0, repetitions - 1, renoise, noisy)
            denoised = denoiser(settled, sigma)
            return denoised + _change_that_fits(denoised, operator, likelihood)

        return prior_if_unobserved(denoiser, guided, likelihood)

    return guide


def _change_that_fits(
    denoised: Float[Array, "lat lon latent"], operator: LatentOperator, likelihood: Likelihood
) -> Float[Array, "lat lon latent"]:
    """The smallest change of `denoised` that brings the linearised residual to zero."""
    residual, forward = jax.linearize(lambda z: likelihood.residual(operator(z)), denoised)
    transpose = jax.linear_transpose(forward, denoised)
    (first,) = transpose(residual)
    damping = _DAMPING * safe_ratio(jnp.vdot(first, first), jnp.vdot(residual, residual))

    def normal(u: Float[Array, " observation"]) -> Float[Array, " observation"]:
        return jnp.asarray(forward(*transpose(u)) + damping * u)

    solution, _ = cg(normal, residual, maxiter=_CG_ITERATIONS)  # type: ignore[no-untyped-call]
    (change,) = transpose(-solution)
    return jnp.asarray(change)
