"""With no used observation, guidance is the identity: bit for bit, and at no cost."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.diffusion.contract import Denoiser
from align_da.diffusion.effort import Effort
from align_da.guidance.contract import Field
from align_da.observations.likelihood import Likelihood

ToldEstimate = Callable[[Field, Float[Array, ""]], tuple[Field, Effort]]
"""(noisy, sigma) → the denoised estimate, and what it took."""


@dataclass(frozen=True, eq=False)
class GuidedDenoiser:
    """A denoiser of the posterior where at least one observation is used, else the prior's.

    Attributes:
        prior: its denoiser.
        guided: the denoiser of the posterior.
        likelihood: of the observations.
    """

    prior: Denoiser
    guided: ToldEstimate
    likelihood: Likelihood

    def __call__(self, noisy: Field, sigma: Float[Array, ""]) -> Field:
        """The denoised estimate; see `align_da.diffusion.contract.Denoiser`."""
        return self.told(noisy, sigma)[0]

    def told(self, noisy: Field, sigma: Float[Array, ""]) -> tuple[Field, Effort]:
        """The same, and what it took."""

        def unguided(noisy: Field, sigma: Float[Array, ""]) -> tuple[Field, Effort]:
            return self.prior(noisy, sigma), Effort.unknown()

        estimate: tuple[Field, Effort]
        observed = jnp.any(self.likelihood.used)
        estimate = jax.lax.cond(observed, self.guided, unguided, noisy, sigma)
        return estimate
