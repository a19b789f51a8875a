"""What observations say of a state: p(y | x)."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from align_da.observations.batch import ObservationBatch


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Likelihood:
    """p(y | z) = N(y; A(z), R) with a diagonal R, for one case.

    Attributes:
        value: y, [observation]; entries that are not used may hold anything, NaN included.
        variance: diagonal of R, [observation], positive, in the squared units of y.
        used: which observations count, [observation].
        prior_variance: variance of A(z) under the prior, [observation], in the squared units of y:
            what a guidance needs that weighs the uncertainty of the denoised estimate (SDA). See
            `align_da.guidance.prior_variance`. None where it is not known.
    """

    value: Float[Array, " observation"]
    variance: Float[Array, " observation"]
    used: Bool[Array, " observation"]
    prior_variance: Float[Array, " observation"] | None = None

    def residual(self, equivalent: Float[Array, " observation"]) -> Float[Array, " observation"]:
        """(y − equivalent) / √R, zero where an observation is not used (also if it is NaN)."""
        safe_value = jnp.where(self.used, self.value, 0.0)
        safe_equivalent = jnp.where(self.used, equivalent, 0.0)
        safe_variance = jnp.where(self.used, self.variance, 1.0)
        return (safe_value - safe_equivalent) / jnp.sqrt(safe_variance)


def likelihood_of(observations: ObservationBatch) -> Likelihood:
    """The likelihood of the observations of a cycle; errors of unused ones may hold anything."""
    error = jnp.where(observations.used, observations.error, 1.0)
    return Likelihood(observations.value, error**2, observations.used)
