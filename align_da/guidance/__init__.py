"""Guidance: from the denoiser of the prior to that of the posterior."""

from align_da.guidance.contract import Guidance, PosteriorSampler

__all__ = ["Guidance", "PosteriorSampler"]
