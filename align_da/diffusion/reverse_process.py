"""The loop that every sampler shares: from σ_max N(0, I) down the noise levels to a draw of z.

A draw depends on its key alone: the initial noise uses fold_in(key, 0) and step i fold_in(key,
i + 1).
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.diffusion.contract import Denoiser, LatentField, Sampler
from align_da.diffusion.langevin import NO_CORRECTORS, Correctors, langevin_correct
from align_da.diffusion.noise import NoiseDraw, standard_normal
from align_da.diffusion.noise_levels import NoiseLevels


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Levels:
    """The noise levels around one step (or around each of several).

    Attributes:
        previous: level before this step's; equal to `current` at the first step.
        current: level of the noisy input, positive.
        following: level to reach; 0 at the last step.
    """

    previous: Float[Array, "*step"]
    current: Float[Array, "*step"]
    following: Float[Array, "*step"]


@runtime_checkable
class SolverStep(Protocol):
    """One step of a sampler."""

    def __call__(
        self,
        denoiser: Denoiser,
        noisy: LatentField,
        last_denoised: LatentField,
        levels: Levels,
        key: jax.Array,
    ) -> tuple[LatentField, LatentField]:
        """From level `current` to `following`.

        Returns:
            The new noisy field and the denoised estimate that the next step gets as
            `last_denoised` (zero at the first step).
        """
        ...


def sampler_from_step(
    step: SolverStep,
    levels: NoiseLevels,
    correctors: Correctors = NO_CORRECTORS,
    noise: NoiseDraw = standard_normal,
) -> Sampler:
    """The sampler that repeats `step` over the noise levels, with Langevin correctors."""
    visited = jnp.asarray(levels.values, jnp.float32)
    around_steps = Levels(
        previous=jnp.concatenate([visited[:1], visited[:-2]]),
        current=visited[:-1],
        following=visited[1:],
    )

    def sample(denoiser: Denoiser, key: jax.Array, shape: tuple[int, int, int]) -> LatentField:
        def advance(
            carry: tuple[Array, Array], inputs: tuple[Array, Levels]
        ) -> tuple[tuple[Array, Array], None]:
            noisy, last_denoised = carry
            index, around = inputs
            step_key = jax.random.fold_in(key, index + 1)
            noisy = langevin_correct(
                denoiser,
                noisy,
                around.current,
                jax.random.fold_in(step_key, 1),
                correctors.count,
                correctors.step,
                noise,
            )
            return step(denoiser, noisy, last_denoised, around, step_key), None

        initial = visited[0] * noise(jax.random.fold_in(key, 0), shape)
        start = (initial, jnp.zeros_like(initial))
        (drawn, _), _ = jax.lax.scan(advance, start, (jnp.arange(levels.steps), around_steps))
        return drawn

    return sample
