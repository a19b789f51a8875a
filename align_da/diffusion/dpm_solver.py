"""DPM-Solver++(2M) (Lu et al. 2022, arXiv:2211.01095, Algorithm 2).

In the variance-exploding picture, with λ = −ln σ, h = λ_next − λ and r = h_last / h,
    x_next = (σ_next / σ) x + (1 − σ_next / σ) [(1 + 1/(2r)) D − 1/(2r) D_last].
The first step and the last one (to σ = 0) use D alone. One denoiser call a step.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.diffusion.contract import Denoiser, LatentField, Sampler
from align_da.diffusion.langevin import NO_CORRECTORS, Correctors
from align_da.diffusion.noise import NoiseDraw, standard_normal
from align_da.diffusion.noise_levels import NoiseLevels
from align_da.diffusion.reverse_process import Levels, ReverseProcess
from align_da.diffusion.stochastic import stochastic_sampler


def dpm_solver_step(
    denoiser: Denoiser,
    noisy: LatentField,
    last_denoised: LatentField,
    levels: Levels,
    key: jax.Array,
) -> tuple[LatentField, LatentField]:
    """One multistep step."""
    denoised = denoiser(noisy, levels.current)
    share = _extrapolation(levels)
    extrapolated = denoised + share * (denoised - last_denoised)
    ratio = levels.following / levels.current
    return ratio * noisy + (1 - ratio) * extrapolated, denoised


def _extrapolation(levels: Levels) -> Float[Array, ""]:
    """1/(2r); 0 where there is no last estimate or no finite step in ln σ."""
    second_order = (levels.following > 0) & (levels.previous > levels.current)
    step = jnp.log(levels.current / jnp.where(second_order, levels.following, 1.0))
    last_step = jnp.log(levels.previous / levels.current)
    return jnp.where(second_order, step / (2 * jnp.where(second_order, last_step, 1.0)), 0.0)


def dpm_solver_sampler(
    levels: NoiseLevels,
    correctors: Correctors = NO_CORRECTORS,
    noise: NoiseDraw = standard_normal,
) -> Sampler:
    """DPM-Solver++(2M) over `levels`: one denoiser call a step.

    A corrector leaves the path that the last estimate belongs to, and extrapolating across it adds
    its noise (spread 12-16 % too large): with correctors the steps are of first order.
    """
    if correctors.count:
        return stochastic_sampler(levels, correctors, noise, churn=0.0)
    return ReverseProcess(dpm_solver_step, levels, correctors, noise)
