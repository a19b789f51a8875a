"""Distributions of observation errors in simulations, each with mean 0 and variance 1.

    y = H(x_t) + √R e,   E e = 0,   E e² = 1,

so that R stays the variance of the errors whatever their distribution: filters that take it for
that of a Gaussian are then tested by the form of the distribution alone.
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import jax.typing
from jaxtyping import Array, Float

from align_da.errors import InputError

Noise = Callable[[jax.Array, tuple[int, ...], jax.typing.DTypeLike], Float[Array, "*shape"]]
"""(key, shape, dtype) → independent draws."""


def gaussian(
    key: jax.Array, shape: tuple[int, ...], dtype: jax.typing.DTypeLike
) -> Float[Array, "*shape"]:
    """The standard normal distribution."""
    return jax.random.normal(key, shape, dtype)


def laplace(
    key: jax.Array, shape: tuple[int, ...], dtype: jax.typing.DTypeLike
) -> Float[Array, "*shape"]:
    """The double exponential distribution: excess kurtosis 3."""
    drawn: Float[Array, "*shape"] = jax.random.laplace(key, shape, dtype)
    return drawn / math.sqrt(2)


def student_t(freedom: float) -> Noise:
    """Student's t with so many degrees of freedom, scaled to variance 1: gross errors.

    Raises:
        InputError: the degrees are not more than 2, where there is no variance.
    """
    if not freedom > 2:
        message = f"expected more than 2 degrees of freedom, got {freedom}"
        raise InputError(message)

    def draw(
        key: jax.Array, shape: tuple[int, ...], dtype: jax.typing.DTypeLike
    ) -> Float[Array, "*shape"]:
        drawn: Float[Array, "*shape"] = jax.random.t(key, freedom, shape, dtype)
        return drawn * math.sqrt((freedom - 2) / freedom)

    return draw


def log_normal(width: float) -> Noise:
    """exp(s n) with standard normal n and s = `width`, shifted and scaled: skew errors.

    Its mean is exp(s² / 2), its variance (exp(s²) − 1) exp(s²).

    Raises:
        InputError: the width is not positive.
    """
    if not width > 0:
        message = f"expected a positive width of a log-normal distribution, got {width}"
        raise InputError(message)

    def draw(
        key: jax.Array, shape: tuple[int, ...], dtype: jax.typing.DTypeLike
    ) -> Float[Array, "*shape"]:
        mean, square = math.exp(width**2 / 2), math.exp(width**2)
        drawn = jnp.exp(width * jax.random.normal(key, shape, dtype))
        return (drawn - mean) / math.sqrt((square - 1) * square)

    return draw


NOISES: dict[str, Noise] = {
    "gaussian": gaussian,
    "laplace": laplace,
    "student_t": student_t(5.0),
    "log_normal": log_normal(0.5),
}
"""Noise by name; Student's t with 5 degrees of freedom, log-normal of width 0.5."""


def noise_of(noise: str | Noise) -> Noise:
    """The noise that a name means, or that is given.

    Raises:
        InputError: no such name.
    """
    if not isinstance(noise, str):
        return noise
    if noise not in NOISES:
        message = f"expected a noise among {', '.join(NOISES)}, got {noise!r}"
        raise InputError(message)
    return NOISES[noise]
