"""The loop that every sampler shares: from σ_max N(0, I) down the noise levels to a draw of z.

A draw depends on its key alone: the initial noise uses fold_in(key, 0) and step i fold_in(key,
i + 1).
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.diffusion.contract import Denoiser, LatentField
from align_da.diffusion.effort import Effort, Listener
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
    """One step of a sampler; it calls its denoiser outside of loops and branches of JAX."""

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


@dataclass(frozen=True)
class ReverseProcess:
    """A sampler: a step repeated over the noise levels, with Langevin correctors before it.

    Attributes:
        step: from one level to the next.
        levels: that are visited.
        correctors: before every step.
        noise: draws the initial noise and all that is added.
    """

    step: SolverStep
    levels: NoiseLevels
    correctors: Correctors = NO_CORRECTORS
    noise: NoiseDraw = standard_normal

    def __call__(
        self, denoiser: Denoiser, key: jax.Array, shape: tuple[int, int, int]
    ) -> LatentField:
        """One draw; see `align_da.diffusion.contract.Sampler`."""
        return self.told(denoiser, key, shape)[0]

    def told(
        self, denoiser: Denoiser, key: jax.Array, shape: tuple[int, int, int]
    ) -> tuple[LatentField, Effort]:
        """The same draw, and what the calls of the denoiser took."""

        def advance(
            carry: tuple[LatentField, LatentField], inputs: tuple[Array, Levels]
        ) -> tuple[tuple[LatentField, LatentField], Effort]:
            noisy, last_denoised = carry
            index, around = inputs
            step_key = jax.random.fold_in(key, index + 1)
            listener = Listener(denoiser)
            corrected, before = langevin_correct(
                denoiser,
                noisy,
                around.current,
                jax.random.fold_in(step_key, 1),
                self.correctors,
                self.noise,
            )
            moved = self.step(listener, corrected, last_denoised, around, step_key)
            return moved, before.and_of(listener.heard)

        initial = self.levels.values[0] * self.noise(jax.random.fold_in(key, 0), shape)
        start = (initial, jnp.zeros_like(initial))
        steps = (jnp.arange(self.levels.steps), self._around_steps)
        (drawn, _), efforts = jax.lax.scan(advance, start, steps)
        return drawn, efforts.hardest()

    @property
    def _around_steps(self) -> Levels:
        """The levels around each step."""
        visited = jnp.asarray(self.levels.values, jnp.float32)
        return Levels(
            previous=jnp.concatenate([visited[:1], visited[:-2]]),
            current=visited[:-1],
            following=visited[1:],
        )
