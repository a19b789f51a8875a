"""The prior p(state | background): its mean, its covariance and its draws."""

from align_da.prior.background_errors import (
    prior_from_covariance,
    prior_from_root,
    prior_from_samples,
)
from align_da.prior.latent_prior import LatentPrior
from align_da.prior.static_prior import static_prior

__all__ = [
    "LatentPrior",
    "prior_from_covariance",
    "prior_from_root",
    "prior_from_samples",
    "static_prior",
]
