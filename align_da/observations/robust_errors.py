"""Observation errors with long tails, so that a gross error does not spoil an analysis.

With r = (y − H x) / √R and −log p(y | x) = ρ(r), the gradient of ρ is that of a Gaussian whose
variance is R / w, w = ρ'(r) / r: iteratively reweighted least squares (Holland and Welsch 1977,
Commun. Stat. A6, 813-827). An analysis that repeats itself with the weights of its own residuals
ends in a mode of the posterior.

Where the state is still uncertain, residuals are large without any gross error. The weight is then
that of the residual which an analysis of the observation alone would leave: with V the variance of
H x and r the departure over √R,

    w = ρ'(r_a) / r_a,   r_a = r / (1 + w V / R),

solved by repeating it from the weight of r. Variances of observations that grow with the departure
over what both errors explain are those of Sakov and Sandery 2017 (Tellus A 69, 1318031).
"""

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.errors import InputError
from align_da.observations.contract import RobustErrors

_REPETITIONS = 30


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Huber:
    """Gaussian errors whose tails are those of an exponential.

    ρ(r) = r² / 2 for |r| ≤ k, else k |r| − k² / 2: an observation pulls never more than one whose
    residual is k. Tavolato and Isaksen 2015, Q. J. R. Meteorol. Soc. 141, 1514-1527.

    Attributes:
        threshold: k, in standard deviations of the observation error, positive.
    """

    threshold: float = field(metadata={"static": True})

    def __post_init__(self) -> None:
        _demand_positive("the threshold of a Huber norm", self.threshold)

    def weight(self, residual: Float[Array, " observation"]) -> Float[Array, " observation"]:
        """min(1, k / |r|)."""
        return self.threshold / jnp.maximum(jnp.abs(residual), self.threshold)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class StudentT:
    """Errors with the t distribution: a gross error pulls the less the larger it is.

    ρ(r) = ½ (ν + 1) log(1 + r² / ν), with the error of an observation as scale: its variance is
    R ν / (ν − 2). Lange, Little and Taylor 1989, J. Am. Stat. Assoc. 84, 881-896.

    Attributes:
        degrees: ν, degrees of freedom, positive.
    """

    degrees: float = field(metadata={"static": True})

    def __post_init__(self) -> None:
        _demand_positive("the degrees of freedom of Student's t", self.degrees)

    def weight(self, residual: Float[Array, " observation"]) -> Float[Array, " observation"]:
        """(ν + 1) / (ν + r²)."""
        return (self.degrees + 1) / (self.degrees + jnp.square(residual))


def weight_at_departure(
    errors: RobustErrors,
    departure: Float[Array, " observation"],
    ratio: Float[Array, " observation"] | float,
) -> Float[Array, " observation"]:
    """The weight w of the equation above.

    Args:
        errors: with long tails.
        departure: y − H x over √R.
        ratio: V / R, 0 where H x is certain.
    """

    def repeat(_: int | Array, weight: Float[Array, " observation"]) -> Array:
        return errors.weight(departure / (1 + ratio * weight))

    first = errors.weight(departure)
    found: Float[Array, " observation"] = jax.lax.fori_loop(0, _REPETITIONS, repeat, first)
    return found


def _demand_positive(what: str, value: float) -> None:
    """Raise an InputError unless `value` is positive."""
    if not value > 0:
        message = f"expected {what} to be positive, got {value}"
        raise InputError(message)
