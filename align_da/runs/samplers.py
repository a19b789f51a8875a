"""Samplers by name (`align_da.samplers`): a builder takes [sampler] and what draws its noise."""

from collections.abc import Callable

from align_da.config import SamplerConfig
from align_da.diffusion.contract import Sampler
from align_da.diffusion.dpm_solver import dpm_solver_sampler
from align_da.diffusion.heun import heun_sampler
from align_da.diffusion.langevin import Correctors
from align_da.diffusion.noise import NoiseDraw, standard_normal
from align_da.diffusion.noise_levels import NoiseLevels
from align_da.diffusion.stochastic import stochastic_sampler
from align_da.registry import SAMPLERS
from align_da.runs.parts import built

SamplerBuilder = Callable[[SamplerConfig, NoiseDraw], Sampler]


def build_sampler(settings: SamplerConfig, noise: NoiseDraw = standard_normal) -> Sampler:
    """The sampler that `settings` name, its noise drawn by `noise`.

    Raises:
        ConfigError: the part is not what it should be.
    """
    builder: SamplerBuilder = SAMPLERS.load(settings.kind)
    made: Sampler = built(
        SAMPLERS, settings.kind, builder, Sampler, settings=settings, noise=noise
    )
    return made


def heun(settings: SamplerConfig, noise: NoiseDraw) -> Sampler:
    """Heun's method."""
    return heun_sampler(noise_levels(settings), _correctors(settings), noise)


def dpm_solver(settings: SamplerConfig, noise: NoiseDraw) -> Sampler:
    """DPM-Solver++(2M)."""
    return dpm_solver_sampler(noise_levels(settings), _correctors(settings), noise)


def stochastic(settings: SamplerConfig, noise: NoiseDraw) -> Sampler:
    """Ancestral sampling where `churn` is 1."""
    levels = noise_levels(settings)
    return stochastic_sampler(levels, _correctors(settings), noise, churn=settings.churn)


def noise_levels(settings: SamplerConfig) -> NoiseLevels:
    """The noise levels of the section."""
    return NoiseLevels(settings.steps, settings.sigma_min, settings.sigma_max, settings.rho)


def _correctors(settings: SamplerConfig) -> Correctors:
    return Correctors(settings.correctors, settings.corrector_step)
