"""The contract of guidance: a denoiser goes in, a denoiser that knows the observations comes out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import jax
from jaxtyping import Array, Bool, Float

from align_da.diffusion.contract import Denoiser


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Likelihood:
    """p(y | z) = N(y; A(z), R) with a diagonal R, for one case.

    Attributes:
        value: y, [observation]; entries that are not used hold any finite number.
        variance: diagonal of R, [observation], positive, in the squared units of y.
        used: which observations count, [observation].
    """

    value: Float[Array, " observation"]
    variance: Float[Array, " observation"]
    used: Bool[Array, " observation"]

    def residual(self, equivalent: Float[Array, " observation"]) -> Float[Array, " observation"]:
        """(y − equivalent) / √R, zero where an observation is not used (also if it is NaN)."""
        safe_value = jax.numpy.where(self.used, self.value, 0.0)
        safe_equivalent = jax.numpy.where(self.used, equivalent, 0.0)
        return (safe_value - safe_equivalent) / jax.numpy.sqrt(self.variance)


LatentOperator = Callable[[Float[Array, "lat lon latent"]], Float[Array, " observation"]]
"""A: scaled latent increment → model equivalents (decoder, background and H composed)."""


class Guidance(Protocol):
    """Turns the prior's denoiser into one of the posterior.

    With no used observation the result is the prior's denoiser exactly.
    """

    def __call__(
        self, denoiser: Denoiser, operator: LatentOperator, likelihood: Likelihood
    ) -> Denoiser:
        """The denoiser of p(z | x_b, y)."""
        ...
