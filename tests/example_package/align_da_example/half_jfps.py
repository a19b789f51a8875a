"""A guidance: half of the shift that JFPS makes."""

import jax

from align_da.config import GuidanceConfig
from align_da.diffusion.contract import Denoiser, Sampler
from align_da.diffusion.noise_levels import NoiseLevels
from align_da.guidance.contract import LatentOperator
from align_da.guidance.guided_sampler import GuidedSampler
from align_da.guidance.jfps import jfps_guidance
from align_da.observations.likelihood import Likelihood
from align_da.runs.guidances import solver


def build(settings: GuidanceConfig, sample: Sampler, _: NoiseLevels) -> GuidedSampler:
    """The guidance with any sampler."""
    whole = jfps_guidance(settings.strength, solver(settings))

    def guide(denoiser: Denoiser, operator: LatentOperator, likelihood: Likelihood) -> Denoiser:
        guided = whole(denoiser, operator, likelihood)

        def half(noisy: jax.Array, sigma: jax.Array) -> jax.Array:
            return (denoiser(noisy, sigma) + guided(noisy, sigma)) / 2

        return half

    return GuidedSampler(guide, sample)
