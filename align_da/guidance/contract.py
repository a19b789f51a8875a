"""The contract of guidance: a denoiser goes in, one that knows the observations comes out."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import jax
from jaxtyping import Array, Float

from align_da.diffusion.contract import Denoiser
from align_da.observations.likelihood import Likelihood

Field = Float[Array, "lat lon latent"]
LatentOperator = Callable[[Field], Float[Array, " observation"]]
"""A: scaled latent increment → model equivalents (decoder, background and H composed)."""


@runtime_checkable
class Guidance(Protocol):
    """Turns the prior's denoiser into one of the posterior.

    With no used observation the result is the prior's denoiser exactly. What takes residuals in
    units of R takes those of `near_estimate`: observation errors may have long tails.
    """

    def __call__(
        self, denoiser: Denoiser, operator: LatentOperator, likelihood: Likelihood
    ) -> Denoiser:
        """The denoiser of p(z | x_b, y)."""
        ...


@runtime_checkable
class PosteriorSampler(Protocol):
    """Draws from p(z | x_b, y).

    With no used observation the draw is the one that the sampler makes of the prior.
    """

    def __call__(
        self,
        denoiser: Denoiser,
        operator: LatentOperator,
        likelihood: Likelihood,
        key: jax.Array,
        shape: tuple[int, int, int],
    ) -> Field:
        """One draw of shape (lat, lon, latent), which depends on its key alone."""
        ...
