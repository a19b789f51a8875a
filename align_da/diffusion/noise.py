"""Where samplers take their noise from."""

from collections.abc import Callable

import jax
from jaxtyping import Array, Float

NoiseDraw = Callable[[jax.Array, tuple[int, ...]], Float[Array, "..."]]
"""(key, shape) → noise of that shape."""


def standard_normal(key: jax.Array, shape: tuple[int, ...]) -> Float[Array, "..."]:
    """Independent noise."""
    return jax.random.normal(key, shape)


def centred_over(axis: str) -> NoiseDraw:
    """Noise whose mean is zero over the members that a `jax.vmap` of that axis name runs.

    As with the perturbed observations of an ensemble Kalman filter the mean of the draws is then
    that of the distribution, but for what is not linear, and their differences are those of
    independent draws: the variance estimated with N − 1 stays right.
    """

    def draw(key: jax.Array, shape: tuple[int, ...]) -> Float[Array, "..."]:
        noise = jax.random.normal(key, shape)
        mean = jax.lax.pmean(noise, axis)  # type: ignore[no-untyped-call]  # of jax
        centred: Float[Array, "..."] = noise - mean
        return centred

    return draw
