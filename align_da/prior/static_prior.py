"""The prior without a network: a Gaussian with the static covariance of background errors."""

from align_da.atmosphere.truncation import SpectralTruncation
from align_da.autoencoder.latent_space import LatentSpace
from align_da.diffusion.schedule import EDMSchedule
from align_da.diffusion.unit_normal import UnitNormal
from align_da.prior.latent_prior import LatentPrior
from align_da.prior.latent_scaling import LatentScaling
from align_da.prior.representation_error import Representation


def static_prior(
    space: LatentSpace,
    scaling: LatentScaling,
    truncation: SpectralTruncation | None = None,
    representation: Representation | None = None,
) -> LatentPrior:
    """The Gaussian with the statistics of `scaling`.

    Args:
        space: between states and latents.
        scaling: statistics of latent increments.
        truncation: what of an increment the forecast model can hold; None keeps it all.
        representation: what latents cannot hold; None where they hold everything.
    """
    return LatentPrior(
        space,
        UnitNormal(),
        scaling,
        EDMSchedule(0.0, 1.0),
        truncation=truncation,
        representation=representation,
    )
