"""What observations say of a state: p(y | x)."""

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from align_da.errors import InputError
from align_da.observations.batch import ObservationBatch
from align_da.observations.contract import (
    ErrorsFor,
    GaussianErrors,
    ObservationErrors,
    RobustErrors,
)
from align_da.observations.correlated_errors import CorrelatedErrors, check_covariance
from align_da.observations.robust_errors import weight_at_departure


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Likelihood:
    """p(y | z) of one case: N(y; A(z), R) with a diagonal R, unless `errors` says otherwise.

    Attributes:
        value: y, [observation]; entries that are not used may hold anything, NaN included.
        variance: diagonal of R, [observation], positive, in the squared units of y.
        used: which observations count, [observation].
        prior_variance: variance of A(z) under the prior, [observation], in the squared units of y:
            what a guidance needs that weighs the uncertainty of the denoised estimate (SDA). See
            `align_da.guidance.prior_variance`. None where it is not known.
        errors: how errors are correlated, or how long their tails are; None is neither.
    """

    value: Float[Array, " observation"]
    variance: Float[Array, " observation"]
    used: Bool[Array, " observation"]
    prior_variance: Float[Array, " observation"] | None = None
    errors: ObservationErrors | None = None

    @property
    def noisy(self) -> Bool[Array, " observation"]:
        """Which entries of a residual errors reach: R^-½ of correlated ones may mix them."""
        mixed = isinstance(self.errors, GaussianErrors)
        return jnp.ones_like(self.used) if mixed else self.used

    def standardised(
        self, equivalent: Float[Array, " observation"]
    ) -> Float[Array, " observation"]:
        """(y − equivalent) / √R_ii, zero where an observation is not used (also if it is NaN)."""
        safe_value = jnp.where(self.used, self.value, 0.0)
        safe_equivalent = jnp.where(self.used, equivalent, 0.0)
        safe_variance = jnp.where(self.used, self.variance, 1.0)
        return (safe_value - safe_equivalent) / jnp.sqrt(safe_variance)

    def whiten(self, departure: Float[Array, " observation"]) -> Float[Array, " observation"]:
        """R^-½ d of the used observations, linear; what d is elsewhere (NaN too) is not seen."""
        safe_departure = jnp.where(self.used, departure, 0.0)
        if isinstance(self.errors, GaussianErrors):
            return self.errors.whiten(safe_departure, self.variance, self.used)
        return safe_departure / jnp.sqrt(jnp.where(self.used, self.variance, 1.0))

    def residual(self, equivalent: Float[Array, " observation"]) -> Float[Array, " observation"]:
        """R^-½ (y − equivalent): its square is −2 log p(y | z) but for a constant.

        Raises:
            InputError: errors are not Gaussian; see `near`.
        """
        if isinstance(self.errors, RobustErrors):
            message = (
                f"expected Gaussian observation errors, got {self.errors}: there is no residual "
                "in units of R; take Likelihood.near first"
            )
            raise InputError(message)
        if self.errors is None:
            return self.standardised(equivalent)
        return self.whiten(self.value - equivalent)

    def near(
        self,
        equivalent: Float[Array, " observation"],
        uncertainty: Float[Array, " observation"] | float = 0.0,
    ) -> "Likelihood":
        """The Gaussian likelihood with the gradient of this one: R / w in the place of R.

        See `align_da.observations.robust_errors`. A Gaussian likelihood is returned as it is.

        Args:
            equivalent: A of the best estimate.
            uncertainty: variance of A of the truth about it, [observation], squared units of y;
                0 if the weight shall be that of the residual itself.
        """
        if not isinstance(self.errors, RobustErrors):
            return self
        safe_variance = jnp.where(self.used, self.variance, 1.0)
        ratio = jnp.where(self.used, uncertainty, 0.0) / safe_variance
        weight = weight_at_departure(self.errors, self.standardised(equivalent), ratio)
        return replace(self, variance=safe_variance / weight, errors=None)


def check_errors(given: object) -> None:
    """Raise an InputError for what is no model of errors, and no function that says one.

    A matrix alone would be passed over, and a class taken for such a function.
    """
    model = isinstance(given, GaussianErrors | RobustErrors) or callable(given)
    if isinstance(given, type) or not (given is None or model):
        came = f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__
        message = (
            "expected observation errors such as CorrelatedErrors(R), WhitenedErrors(W), Huber(2) "
            f"or StudentT(4) of align_da.observations, got {came}"
        )
        raise InputError(message)


def likelihood_of(
    observations: ObservationBatch, errors: ObservationErrors | ErrorsFor | None = None
) -> Likelihood:
    """The likelihood of the observations of a cycle; errors of unused ones may hold anything.

    Args:
        observations: of the cycle.
        errors: how they are correlated, or how long their tails are, or a function that says so
            for the observations; None is neither. Not under a JAX transform if it is a matrix.

    Raises:
        InputError: a matrix is not the covariance of these observations, or what is given is no
            model of errors.
    """
    check_errors(errors)
    known = errors(observations) if callable(errors) else errors
    check_errors(known)
    if isinstance(known, CorrelatedErrors):
        check_covariance(known, observations)
    error = jnp.where(observations.used, observations.error, 1.0)
    return Likelihood(observations.value, error**2, observations.used, errors=known)
