"""The dual problem of a linear-Gaussian update, solved in observation space.

With F the tangent of a scaled residual (−R^-½ A), JFPS at a noise level and a Gauss-Newton
iteration of latent 3D-Var both need Fᵀ (I + c F Fᵀ)⁻¹ d, without ever forming a matrix.
"""

from collections.abc import Callable

import jax
from jaxtyping import Array, Float, Int

from align_da.diffusion.effort import Effort
from align_da.guidance.contract import Field
from align_da.guidance.krylov import Krylov

Tangent = Callable[[Field], Float[Array, " observation"]]


def dual_gradient(
    forward: Tangent,
    at: Field,
    departure: Float[Array, " observation"],
    variance: Float[Array, ""] | float,
    count: Int[Array, ""],
    solver: Krylov,
) -> tuple[Field, Effort]:
    """Fᵀ (I + c F Fᵀ)⁻¹ d, and what it took.

    Args:
        forward: F, linear.
        at: a field of the shape that F takes.
        departure: d, in units of √R.
        variance: c, of the white latent increment.
        count: how many observations are used.
        solver: says how well.
    """
    transpose = jax.linear_transpose(forward, at)

    def innovation_covariance(
        weight: Float[Array, " observation"],
    ) -> Float[Array, " observation"]:
        return weight + variance * forward(*transpose(weight))

    weight, effort = solver.solve(innovation_covariance, departure, count)
    gradient: Field = transpose(weight)[0]
    return gradient, effort
