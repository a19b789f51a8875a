"""What a denoiser that solves systems of equations tells of them, carried through a sampler.

A guidance may have to solve a linear system at every call. How many iterations that took and how
well it was solved is no part of the estimate: a denoiser that can say so has a method `told`
beside its call, and so have the samplers and posterior samplers that call it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.diffusion.contract import Denoiser, LatentField


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Effort:
    """The hardest of the systems that were solved. NaN: there was none, or nothing is told.

    Attributes:
        iterations: of the solver, the largest number.
        residual: what was left of a system over what the tolerance allows, the largest: above 1 a
            system was left unsolved when its iterations were used up.
    """

    iterations: Float[Array, "*case"]
    residual: Float[Array, "*case"]

    @staticmethod
    def unknown() -> "Effort":
        """No system, or none that is told of."""
        return Effort(jnp.float32(jnp.nan), jnp.float32(jnp.nan))

    def and_of(self, other: "Effort") -> "Effort":
        """The harder of both."""
        return jax.tree.map(jnp.fmax, self, other)

    def hardest(self) -> "Effort":
        """Of all cases."""
        return jax.tree.map(jnp.nanmax, self)


def told_by(source: Callable[..., LatentField], *arguments: Any) -> tuple[LatentField, Effort]:  # noqa: ANN401  of its call
    """What a call of `source` gives, and what it took where it has `told` to say so."""
    tell: Callable[..., tuple[LatentField, Effort]] | None = getattr(source, "told", None)
    if tell is None:
        return source(*arguments), Effort.unknown()
    return tell(*arguments)


class Listener:
    """A denoiser that keeps what another one tells, call by call.

    It lives within one trace: what was heard inside a loop or branch of JAX has to be handed out
    of it as a result.
    """

    def __init__(self, denoiser: Denoiser) -> None:
        self._denoiser = denoiser
        self.heard = Effort.unknown()

    def __call__(self, noisy: LatentField, sigma: Float[Array, ""]) -> LatentField:
        """The estimate of the denoiser."""
        estimate, effort = told_by(self._denoiser, noisy, sigma)
        self.heard = self.heard.and_of(effort)
        return estimate
