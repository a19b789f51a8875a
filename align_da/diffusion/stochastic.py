"""The stochastic sampler: Euler steps that replace part of the noise by fresh noise.

A step to σ_next first goes down to σ_down along D and then adds σ_up n, where
    σ_up = c σ_next √(1 − (σ_next / σ)²) and σ_down² = σ_next² − σ_up².
With c = 1 it is the ancestral sampler (Ho et al. 2020, arXiv:2006.11239, in the variance-exploding
picture), with c = 0 the deterministic Euler step.
"""

import jax
import jax.numpy as jnp

from align_da.diffusion.contract import Denoiser, LatentField, Sampler
from align_da.diffusion.langevin import NO_CORRECTORS, Correctors
from align_da.diffusion.noise import NoiseDraw, standard_normal
from align_da.diffusion.noise_levels import NoiseLevels
from align_da.diffusion.reverse_process import Levels, ReverseProcess


def stochastic_sampler(
    visited: NoiseLevels,
    correctors: Correctors = NO_CORRECTORS,
    noise: NoiseDraw = standard_normal,
    *,
    churn: float = 1.0,
) -> Sampler:
    """The stochastic sampler over `visited`, c its `churn`: one call a step."""

    def step(
        denoiser: Denoiser,
        noisy: LatentField,
        last_denoised: LatentField,
        levels: Levels,
        key: jax.Array,
    ) -> tuple[LatentField, LatentField]:
        denoised = denoiser(noisy, levels.current)
        ratio = levels.following / levels.current
        up = churn * levels.following * jnp.sqrt(1 - ratio**2)
        down = jnp.sqrt(levels.following**2 - up**2)
        fresh = noise(key, noisy.shape)
        return denoised + down / levels.current * (noisy - denoised) + up * fresh, denoised

    return ReverseProcess(step, visited, correctors, noise)
