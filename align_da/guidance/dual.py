"""The dual problem of a linear-Gaussian update, solved in observation space.

With F the tangent of a scaled residual (−R^-½ A), JFPS at a noise level and a Gauss-Newton
iteration of latent 3D-Var both need Fᵀ (I + c F Fᵀ)⁻¹ d, without ever forming a matrix.
"""

from collections.abc import Callable

import jax
from jax.scipy.sparse.linalg import cg
from jaxtyping import Array, Float

from align_da.guidance.contract import Field

Tangent = Callable[[Field], Float[Array, " observation"]]


def dual_gradient(
    forward: Tangent,
    at: Field,
    departure: Float[Array, " observation"],
    variance: Float[Array, ""] | float,
    iterations: int,
) -> Field:
    """Fᵀ (I + c F Fᵀ)⁻¹ d by conjugate gradients.

    Args:
        forward: F, linear.
        at: a field of the shape that F takes.
        departure: d, in units of √R.
        variance: c, of the white latent increment.
        iterations: of conjugate gradients, at most.
    """
    transpose = jax.linear_transpose(forward, at)

    def innovation_covariance(
        weight: Float[Array, " observation"],
    ) -> Float[Array, " observation"]:
        return weight + variance * forward(*transpose(weight))

    weight, _ = cg(innovation_covariance, departure, maxiter=iterations)  # type: ignore[no-untyped-call]
    gradient: Field = transpose(weight)[0]
    return gradient
