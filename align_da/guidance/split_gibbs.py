"""Split Gibbs sampling (Wu et al. 2024, arXiv:2405.18782, Algorithm 1).

Two variables that differ by ρ n are drawn in turn while ρ falls. Given u,

    x ~ N(x; u, ρ²) p(y | A(x)),

which for a linear A is Gaussian and drawn exactly by perturbing and solving:

    x = u + ρ n − ρ² Fᵀ (I + ρ² F Fᵀ)⁻¹ (r(u) + ρ F n + ε),

with r the residual in units of √R at u, F its tangent there and ε ~ N(0, I). Given x,

    u ~ p(u) N(x; u, ρ²),

the prior with x as an observation of everything. Its denoiser is that of the prior: v = u + ρ σ n
and x are together one input of noise s = ρ σ / √(1 + σ²), so that

    E[u | v, x] = D((v + σ² x) / (1 + σ²), s),

and any sampler draws w = (u − x) / ρ, which is of order one. (The original runs a stochastic
sampler from x down; a deterministic one would there give no draw.) No covariance of the prior is
assumed and no gradient passes through the network; the price is a whole reverse process at every
value of ρ.

The draw is the last x, whose distribution is the posterior under a prior widened by the last ρ².
That of u is the posterior under an R widened by A ρ² Aᵀ: too wide where observations are accurate
(linear-Gaussian conformance, errors from 0.01 to 1, last ρ 0.02: spread 1.26).
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.diffusion.contract import Denoiser, Sampler
from align_da.diffusion.effort import Effort
from align_da.guidance.contract import Field, LatentOperator
from align_da.guidance.dual import dual_gradient
from align_da.guidance.krylov import Krylov
from align_da.guidance.near_estimate import near_estimate
from align_da.observations.likelihood import Likelihood


@dataclass(frozen=True)
class SplitGibbs:
    """Alternate draws from the likelihood and from the prior.

    Attributes:
        sampler: draws from the prior.
        levels: the values of ρ, from far above the spread of the prior to far below that of the
            posterior.
        solver: of the system of a draw from the likelihood.
    """

    sampler: Sampler
    levels: tuple[float, ...]
    solver: Krylov

    def __call__(
        self,
        denoiser: Denoiser,
        operator: LatentOperator,
        likelihood: Likelihood,
        key: jax.Array,
        shape: tuple[int, int, int],
    ) -> Field:
        """One draw; see `align_da.guidance.contract.PosteriorSampler`."""
        return self.told(denoiser, operator, likelihood, key, shape)[0]

    def told(
        self,
        denoiser: Denoiser,
        operator: LatentOperator,
        likelihood: Likelihood,
        key: jax.Array,
        shape: tuple[int, int, int],
    ) -> tuple[Field, Effort]:
        """The same draw, and what its systems took."""
        levels = jnp.asarray(self.levels)

        def sweep(
            index: int | Array, carry: tuple[Field, Field, Effort]
        ) -> tuple[Field, Field, Effort]:
            drawn, _, before = carry
            own, rho = jax.random.fold_in(key, index), levels[index]
            observed, effort = self._observed(drawn, operator, likelihood, rho, own)
            key_of_prior = jax.random.fold_in(own, 2)
            change = self.sampler(_near(denoiser, observed, rho), key_of_prior, shape)
            return observed + rho * change, observed, before.and_of(effort)

        start = self.sampler(denoiser, key, shape)
        sweeps = jnp.where(jnp.any(likelihood.used), len(self.levels), 0)
        begin = (start, start, Effort.unknown())
        _, observed, effort = jax.lax.fori_loop(0, sweeps, sweep, begin)
        return observed, effort

    def _observed(
        self,
        drawn: Field,
        operator: LatentOperator,
        likelihood: Likelihood,
        rho: Float[Array, ""],
        key: jax.Array,
    ) -> tuple[Field, Effort]:
        """A draw of N(x; u, ρ²) p(y | A(x)) with A linearised at u."""
        near = near_estimate(likelihood, operator, drawn, rho**2)
        # The residual falls where the estimate rises: its tangent F is −R^-½ A.
        residual, forward = jax.linearize(lambda z: near.residual(operator(z)), drawn)
        noise = rho * jax.random.normal(jax.random.fold_in(key, 0), drawn.shape)
        error = jax.random.normal(jax.random.fold_in(key, 1), residual.shape)
        departure = residual + forward(noise) + jnp.where(near.noisy, error, 0.0)
        count = jnp.sum(near.used)
        gradient, effort = dual_gradient(forward, drawn, departure, rho**2, count, self.solver)
        observed: Field = drawn + noise - rho**2 * gradient
        return observed, effort


def _near(denoiser: Denoiser, centre: Field, rho: Float[Array, ""]) -> Denoiser:
    """The denoiser of w = (u − centre) / ρ under p(u) N(u; centre, ρ²), given that of p(u)."""

    def denoise(noisy: Field, sigma: Float[Array, ""]) -> Field:
        share = 1 / (1 + sigma**2)
        return (denoiser(centre + rho * share * noisy, rho * sigma * share**0.5) - centre) / rho

    return denoise
