"""The representation error of the autoencoder: what of a true increment its latents cannot hold.

An analysis that is decoded can never have that part, so that to it an observation errs by more
than its instrument does: that part belongs to R. The variance is estimated on increments of the
validation period, whose truth is known. What is lost is of the smallest scales, and so the errors
of neighbouring points are taken as independent (`observations.error_propagation`).
"""

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.atmosphere import State
from align_da.errors import InputError
from align_da.observations.contract import ObservationOperator
from align_da.observations.correlated_errors import WhitenedErrors
from align_da.observations.error_propagation import equivalent_variance
from align_da.observations.likelihood import Likelihood
from align_da.prior.latent_scaling import share_of_leads


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Representation:
    """Variances by age of the background.

    Attributes:
        lead_hours: lead times with statistics, increasing, hours.
        variance: of what is lost, SI units squared, [lead, channel].
    """

    lead_hours: Float[Array, " lead"]
    variance: Float[Array, "lead channel"]

    def added_to(
        self,
        likelihood: Likelihood,
        operator: ObservationOperator,
        background: State,
        lead_hours: Float[Array, ""] | float,
    ) -> Likelihood:
        """The likelihood with the error of representation in R.

        Args:
            likelihood: with the errors of the observations alone.
            operator: H.
            background: values [member, lat, lon, channel]; H is taken as linear about their mean.
            lead_hours: age of the background forecast, hours; constant outside the statistics.

        Raises:
            InputError: R is known by an operator, to which nothing can be added.
        """
        if isinstance(likelihood.errors, WhitenedErrors):
            message = (
                "the error of representation is added to the diagonal of R: expected a matrix "
                "(CorrelatedErrors), got an operator (WhitenedErrors)"
            )
            raise InputError(message)
        at_lead = share_of_leads(self.lead_hours, lead_hours) @ self.variance
        everywhere = jnp.broadcast_to(at_lead, background.layout.shape)
        mean = State(background.values.mean(axis=0), background.layout)
        lost = equivalent_variance(operator, mean, everywhere)
        variance = likelihood.variance + jnp.where(likelihood.used, lost, 0.0)
        return replace(likelihood, variance=variance)
