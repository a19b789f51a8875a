"""The deterministic second-order sampler of Karras et al. (2022), Algorithm 1.

The probability-flow equation is dx/dσ = (x − D(x, σ)) / σ; an Euler step is corrected with the
slope at its end, except for the last step to σ = 0.
"""

import jax
import jax.numpy as jnp

from align_da.diffusion.contract import Denoiser, LatentField, Sampler
from align_da.diffusion.langevin import NO_CORRECTORS, Correctors
from align_da.diffusion.noise import NoiseDraw, standard_normal
from align_da.diffusion.noise_levels import NoiseLevels
from align_da.diffusion.reverse_process import Levels, ReverseProcess


def heun_step(
    denoiser: Denoiser,
    noisy: LatentField,
    last_denoised: LatentField,
    levels: Levels,
    key: jax.Array,
) -> tuple[LatentField, LatentField]:
    """One step of Heun's method."""
    denoised = denoiser(noisy, levels.current)
    slope = (noisy - denoised) / levels.current
    width = levels.following - levels.current
    euler = noisy + width * slope
    is_last = levels.following == 0
    # The network is not defined at σ = 0: the last step asks at its own level, in vain.
    end = jnp.where(is_last, levels.current, levels.following)
    slope_at_end = (euler - denoiser(euler, end)) / end
    heun = noisy + width * (slope + slope_at_end) / 2
    return jnp.where(is_last, euler, heun), denoised


def heun_sampler(
    levels: NoiseLevels,
    correctors: Correctors = NO_CORRECTORS,
    noise: NoiseDraw = standard_normal,
) -> Sampler:
    """Heun's method over `levels`: two denoiser calls a step."""
    return ReverseProcess(heun_step, levels, correctors, noise)
