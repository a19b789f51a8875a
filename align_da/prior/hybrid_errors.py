"""Where the ensemble of the day enters the background errors of a latent method."""

from dataclasses import dataclass, replace
from functools import partial

import jax
from jaxtyping import Array, Float

from align_da.atmosphere import State
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

    def applied_to(self, prior: LatentPrior, background: State) -> LatentPrior:
        """The prior with the errors of an ensemble added; one member has none.

        Args:
            prior: of any day.
            background: values [member, lat, lon, channel], SI units; where it drifts, so do the
                errors.
        """
        apart = _apart(jax.lax.map(prior.space.encode, background.values))
        drift = None
        if background.drift is not None:
            of_member = partial(jax.lax.map, prior.space.encode)
            drift = _apart(jax.lax.map(of_member, background.in_slots)) - apart[:, None]
        errors = EnsembleErrors(apart, self.taper_root, self.share, drift)
        return replace(prior, ensemble=errors)


def _apart(latents: Float[Array, "member *latent"]) -> Float[Array, "member *latent"]:
    """e_k: about their mean, over the square root of the members but one."""
    scale: float = max(latents.shape[0] - 1, 1) ** 0.5
    apart: Float[Array, "member *latent"] = (latents - latents.mean(axis=0)) / scale
    return apart
