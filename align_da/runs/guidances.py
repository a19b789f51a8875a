"""Guidances by name (`align_da.guidances`).

A builder takes [guidance], the sampler and its noise levels, and gives what draws from the
posterior: a guided sampler (`GuidedSampler` of a `Guidance`), or a method that uses the sampler in
its own way, as split Gibbs does.
"""

from collections.abc import Callable

from align_da.config import GuidanceConfig, SamplerConfig
from align_da.diffusion.contract import Sampler
from align_da.diffusion.noise import NoiseDraw, standard_normal
from align_da.diffusion.noise_levels import NoiseLevels
from align_da.guidance.contract import PosteriorSampler
from align_da.guidance.dps import dps_guidance
from align_da.guidance.guided_sampler import GuidedSampler
from align_da.guidance.jfps import jfps_guidance
from align_da.guidance.krylov import Krylov
from align_da.guidance.mmps import mmps_guidance
from align_da.guidance.none import none_guidance
from align_da.guidance.repaint import repaint_guidance
from align_da.guidance.sda import sda_guidance
from align_da.guidance.split_gibbs import SplitGibbs
from align_da.registry import GUIDANCES
from align_da.runs.parts import built
from align_da.runs.samplers import build_sampler, noise_levels

GuidanceBuilder = Callable[[GuidanceConfig, Sampler, NoiseLevels], PosteriorSampler]


def build_posterior_sampler(
    guidance: GuidanceConfig, sampler: SamplerConfig, noise: NoiseDraw = standard_normal
) -> PosteriorSampler:
    """What draws from the posterior with the guidance and the sampler that are named.

    Raises:
        ConfigError: a part is not what it should be.
    """
    builder: GuidanceBuilder = GUIDANCES.load(guidance.method)
    made: PosteriorSampler = built(
        GUIDANCES,
        guidance.method,
        builder,
        PosteriorSampler,
        settings=guidance,
        sampler=build_sampler(sampler, noise),
        noise_levels=noise_levels(sampler),
    )
    return made


def none(_: GuidanceConfig, sample: Sampler, _levels: NoiseLevels) -> GuidedSampler:
    """Draws from the prior: observations are not looked at."""
    return GuidedSampler(none_guidance, sample)


def dps(settings: GuidanceConfig, sample: Sampler, _: NoiseLevels) -> GuidedSampler:
    """Diffusion posterior sampling; `strength` is ζ."""
    return GuidedSampler(dps_guidance(settings.strength), sample)


def sda(settings: GuidanceConfig, sample: Sampler, _: NoiseLevels) -> GuidedSampler:
    """Score-based data assimilation; `strength` is γ."""
    return GuidedSampler(sda_guidance(settings.strength, solver(settings)), sample)


def mmps(settings: GuidanceConfig, sample: Sampler, _: NoiseLevels) -> GuidedSampler:
    """Moment matching; `strength` multiplies the covariance."""
    return GuidedSampler(mmps_guidance(settings.strength, solver(settings)), sample)


def jfps(settings: GuidanceConfig, sample: Sampler, _: NoiseLevels) -> GuidedSampler:
    """Jacobian-free posterior sampling; `strength` multiplies the covariance."""
    return GuidedSampler(jfps_guidance(settings.strength, solver(settings)), sample)


def repaint(settings: GuidanceConfig, sample: Sampler, _: NoiseLevels) -> GuidedSampler:
    """RePaint with `repetitions`."""
    return GuidedSampler(repaint_guidance(settings.repetitions), sample)


def split_gibbs(settings: GuidanceConfig, sample: Sampler, levels: NoiseLevels) -> SplitGibbs:
    """Split Gibbs: ρ goes down the noise levels of the sampler, each `repetitions` times."""
    visited = levels.values[:-1].repeat(settings.repetitions)
    return SplitGibbs(sample, tuple(visited.tolist()), solver(settings))


def solver(settings: GuidanceConfig) -> Krylov:
    """How far the systems of a guidance are solved."""
    return Krylov(settings.tolerance, settings.iterations)
