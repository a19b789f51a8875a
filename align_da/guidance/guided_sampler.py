"""Posterior draws by guidance: a sampler whose denoiser knows the observations."""

from dataclasses import dataclass

import jax

from align_da.diffusion.contract import Denoiser, Sampler
from align_da.diffusion.effort import Effort, told_by
from align_da.guidance.contract import Field, Guidance, LatentOperator
from align_da.observations.likelihood import Likelihood


@dataclass(frozen=True)
class GuidedSampler:
    """Any guidance with any sampler.

    Attributes:
        guidance: how the observations steer the sampler.
        sampler: integrates the reverse process.
    """

    guidance: Guidance
    sampler: Sampler

    def __call__(
        self,
        denoiser: Denoiser,
        operator: LatentOperator,
        likelihood: Likelihood,
        key: jax.Array,
        shape: tuple[int, int, int],
    ) -> Field:
        """One draw; see `align_da.guidance.contract.PosteriorSampler`."""
        return self.told(denoiser, operator, likelihood, key, shape)[0]

    def told(
        self,
        denoiser: Denoiser,
        operator: LatentOperator,
        likelihood: Likelihood,
        key: jax.Array,
        shape: tuple[int, int, int],
    ) -> tuple[Field, Effort]:
        """The same draw, and what the systems of the guidance took."""
        return told_by(self.sampler, self.guidance(denoiser, operator, likelihood), key, shape)
