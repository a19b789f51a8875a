"""The classical Runge-Kutta scheme of fourth order."""

from collections.abc import Callable

import jax
from jaxtyping import Array, Float

Vector = Float[Array, "*batch variable"]


def runge_kutta(
    tendency: Callable[[Vector], Vector], x: Vector, step: float, steps: int
) -> Vector:
    """`x` after `steps` steps of length `step` of dx/dt = tendency(x)."""

    def advance(x: Vector, _: None) -> tuple[Vector, None]:
        k1 = tendency(x)
        k2 = tendency(x + step / 2 * k1)
        k3 = tendency(x + step / 2 * k2)
        k4 = tendency(x + step * k3)
        return x + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

    final: Vector = jax.lax.scan(advance, x, None, length=steps)[0]
    return final
