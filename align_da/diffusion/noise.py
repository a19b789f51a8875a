"""Where samplers take their noise from."""

from collections.abc import Callable

import jax
from jaxtyping import Array, Float

NoiseDraw = Callable[[jax.Array, tuple[int, ...]], Float[Array, "..."]]
"""(key, shape) → noise of that shape."""


def standard_normal(key: jax.Array, shape: tuple[int, ...]) -> Float[Array, "..."]:
    """Independent noise."""
    return jax.random.normal(key, shape)


def centred_over(axis: str, members: int) -> NoiseDraw:
    """Noise whose mean is zero over the members that a `jax.vmap` of that axis name runs.

    As with the perturbed observations of an ensemble Kalman filter the mean of the draws is then
    that of the distribution, but for what is not linear. The noise is widened so that the variance
    of all members together, estimated with N − 1, stays right: where they are drawn in batches,
    each of them centred, the members of two batches are closer than independent draws.

    Scores that take members for independent draws flatter centred ones: of four members of a
    reliable Gaussian ensemble the fair CRPS is 13 % too low, and the spread to compare with the
    error of the mean √(5/4) too large.

    Args:
        axis: name of the mapped axis, of two members or more.
        members: in all batches together.
    """

    def draw(key: jax.Array, shape: tuple[int, ...]) -> Float[Array, "..."]:
        noise = jax.random.normal(key, shape)
        mean = jax.lax.pmean(noise, axis)  # type: ignore[no-untyped-call]  # of jax
        batch = jax.lax.axis_size(axis)
        widening = ((1 - 1 / members) / (1 - 1 / batch)) ** 0.5
        centred: Float[Array, "..."] = widening * (noise - mean)
        return centred

    return draw
