"""Where the ensemble of the day enters the background errors of a latent method."""

from dataclasses import dataclass, replace

import jax
from jaxtyping import Array, Float

from align_da.prior.ensemble_errors import EnsembleErrors
from align_da.prior.latent_prior import LatentPrior


@dataclass(frozen=True)
class Hybrid:
    """What of the background errors is taken from the ensemble of the day.

    Attributes:
        taper_root: see `EnsembleErrors`.
        share: w.
    """

    taper_root: Float[Array, "column column"]
    share: float

    def applied_to(
        self, prior: LatentPrior, members: Float[Array, "member lat lon channel"]
    ) -> LatentPrior:
        """The prior with the errors of an ensemble in SI units added; one member has none."""
        latents = jax.lax.map(prior.space.encode, members)
        apart = (latents - latents.mean(axis=0)) / max(members.shape[0] - 1, 1) ** 0.5
        return replace(prior, ensemble=EnsembleErrors(apart, self.taper_root, self.share))
