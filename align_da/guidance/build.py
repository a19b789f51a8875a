"""Posterior samplers and guidance by the name that the configuration gives them."""

from collections.abc import Callable

from align_da.config import GuidanceConfig, SamplerConfig
from align_da.diffusion.build import build_sampler
from align_da.diffusion.noise import NoiseDraw, standard_normal
from align_da.diffusion.noise_levels import noise_levels
from align_da.guidance.contract import Guidance, PosteriorSampler
from align_da.guidance.dps import dps_guidance
from align_da.guidance.guided_sampler import GuidedSampler
from align_da.guidance.jfps import jfps_guidance
from align_da.guidance.mmps import mmps_guidance
from align_da.guidance.none import none_guidance
from align_da.guidance.repaint import repaint_guidance
from align_da.guidance.sda import sda_guidance
from align_da.guidance.split_gibbs import SplitGibbs


def build_posterior_sampler(
    guidance: GuidanceConfig, sampler: SamplerConfig, noise: NoiseDraw = standard_normal
) -> PosteriorSampler:
    """Split Gibbs, or a guidance with a sampler.

    Split Gibbs takes ρ down the noise levels of the sampler, each `repetitions` times.
    """
    sample = build_sampler(sampler, noise)
    if guidance.method == "split_gibbs":
        levels = noise_levels(sampler)[:-1].repeat(guidance.repetitions)
        return SplitGibbs(sample, tuple(levels.tolist()), guidance.iterations)
    return GuidedSampler(build_guidance(guidance), sample)


def build_guidance(config: GuidanceConfig) -> Guidance:
    """The guidance of `config`: its strength is ζ of DPS, γ of SDA, the covariance of the rest.

    Split Gibbs is none: it is no denoiser.
    """
    return _GUIDANCES[config.method](config)


_GUIDANCES: dict[str, Callable[[GuidanceConfig], Guidance]] = {
    "none": lambda _: none_guidance,
    "dps": lambda config: dps_guidance(config.strength),
    "sda": lambda config: sda_guidance(config.strength),
    "mmps": lambda config: mmps_guidance(config.strength, config.iterations),
    "jfps": lambda config: jfps_guidance(config.strength, config.iterations),
    "repaint": lambda config: repaint_guidance(config.repetitions),
}
