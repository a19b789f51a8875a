"""Observation errors with long tails become Gaussian near a denoised estimate."""

from jaxtyping import Array, Float

from align_da.guidance.contract import Field, LatentOperator
from align_da.observations.contract import RobustErrors
from align_da.observations.likelihood import Likelihood


def near_estimate(
    likelihood: Likelihood, operator: LatentOperator, estimate: Field, share: Float[Array, ""]
) -> Likelihood:
    """The Gaussian likelihood that a method sees at one noise level, see `Likelihood.near`.

    The estimate itself is uncertain: at high noise its departures are large although nothing is
    wrong with the observations. `Likelihood.prior_variance` tells how uncertain; where it is not
    known, the weights are those of the departures.

    Args:
        likelihood: of the observations; returned as it is where it is Gaussian.
        operator: A.
        estimate: the denoised estimate.
        share: of the prior's variance that is left at this noise level.
    """
    if not isinstance(likelihood.errors, RobustErrors):
        return likelihood
    if likelihood.prior_variance is None:
        return likelihood.near(operator(estimate))
    return likelihood.near(operator(estimate), share * likelihood.prior_variance)
