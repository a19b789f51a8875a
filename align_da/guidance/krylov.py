"""Linear systems in observation space, solved to a tolerance in units of the observation errors.

An update of z ~ N(·, c I) by observations, F the tangent of the residual in units of √R, solves (I
+ c F Fᵀ) w = d and moves z by c Fᵀ w. What is left of the system, r = d − (I + c F Fᵀ) w, bounds
the error e of the move in terms of the posterior covariance P = (I / c + Fᵀ F)⁻¹ of the update:

    eᵀ P⁻¹ e = c rᵀ (I + c F Fᵀ)⁻¹ F Fᵀ r ≤ |r|².

With |r| ≤ τ √p, p observations, the mean is wrong by about τ posterior standard deviations,
whatever R and the noise level. Where the noise is low a few iterations do; where it is high they
grow with the root of the prior's variance over R. A fixed number is right for no R but one.

A sampler forgives what is wrong at high noise: an error of x = z + σ n is s / √(s² + σ²) of itself
when z is reached, in a direction of posterior standard deviation s. An error of τ √(1 + σ²) of
them at σ does no more harm, for s below 1, than one of τ at the end (`at_noise`).

The method is that of generalised conjugate residuals (Eisenstat, Elman and Schultz 1983, SIAM J.
Numer. Anal. 20, 345-357): the smallest |r| of its Krylov space at every iteration, also where the
Jacobian of a network makes the system not quite symmetric. All directions are kept, and new ones
are made orthogonal to them twice: for errors over two orders of magnitude conjugate gradients
took, in single precision, up to three times the iterations. Dividing by the diagonal, the prior
variance of every observation, saved none.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from align_da.diffusion.effort import Effort

Departure = Float[Array, " observation"]
Matrix = Callable[[Departure], Departure]
_ROUNDING = 1e-6  # of the right-hand side: what single precision can be asked for
_LOOSEST = 0.5  # of the right-hand side: beyond it nothing would be solved at high noise
_TRANSPOSED = 1e-4  # of a right-hand side that is a gradient, in units of anything


class _Progress(NamedTuple):
    iteration: Int[Array, ""]
    solution: Departure
    residual: Departure
    directions: Float[Array, "iteration observation"]
    images: Float[Array, "iteration observation"]


@dataclass(frozen=True)
class Krylov:
    """How far systems are solved.

    Attributes:
        tolerance: τ, root mean square of what is left of a system, in standard deviations of the
            observation errors.
        iterations: at most; the memory of as many pairs of directions is taken.
        slack: what τ is multiplied by, as long as half of the right-hand side is solved for.
    """

    tolerance: float
    iterations: int
    slack: Float[Array, ""] | float = 1.0

    def at_noise(self, sigma: Float[Array, ""]) -> "Krylov":
        """What is as good at noise level `sigma` as this is at none."""
        return replace(self, slack=jnp.sqrt(1 + sigma**2))

    def solve(
        self, matrix: Matrix, right: Departure, count: Int[Array, ""], *, symmetric: bool = True
    ) -> tuple[Departure, Effort]:
        """The solution of matrix(w) = right, differentiable, and what it took.

        A right-hand side below √count is solved to that share of itself.

        Args:
            matrix: linear, its symmetric part positive definite.
            right: d, in units of √R.
            count: p, how many observations are used.
            symmetric: whether the matrix is, but for rounding; only derivatives ask.
        """

        def forward(matrix: Matrix, right: Departure) -> tuple[Departure, Effort]:
            size = jnp.linalg.norm(right)
            tolerance = jnp.minimum(self.slack * self.tolerance, _LOOSEST)
            asked = tolerance * jnp.minimum(jnp.sqrt(count), size)
            return self._reduced(matrix, right, jnp.maximum(asked, _ROUNDING * size))

        def backward(matrix: Matrix, right: Departure) -> tuple[Departure, Effort]:
            return self._reduced(matrix, right, _TRANSPOSED * jnp.linalg.norm(right))

        solved: tuple[Departure, Effort]
        solved = jax.lax.custom_linear_solve(
            matrix, right, forward, backward, symmetric, has_aux=True
        )
        return solved

    def _reduced(
        self, matrix: Matrix, right: Departure, allowed: Float[Array, ""]
    ) -> tuple[Departure, Effort]:
        """Iterate until the residual is at most `allowed`."""
        none = jnp.zeros((self.iterations, right.size), right.dtype)
        start = _Progress(jnp.int32(0), jnp.zeros_like(right), right, none, none)

        def goes_on(at: _Progress) -> Array:
            large = jnp.linalg.norm(at.residual) > allowed
            return jnp.logical_and(at.iteration < self.iterations, large)

        at = jax.lax.while_loop(goes_on, lambda at: _improved(matrix, at), start)
        left = jnp.linalg.norm(at.residual)
        over = left / jnp.where(allowed > 0, allowed, 1.0)
        return at.solution, Effort(at.iteration.astype(jnp.float32), over.astype(jnp.float32))


def _improved(matrix: Matrix, at: _Progress) -> _Progress:
    """One iteration: the residual becomes orthogonal to one image more."""
    direction, image = at.residual, matrix(at.residual)
    for _ in range(2):
        share = at.images @ image
        image, direction = image - share @ at.images, direction - share @ at.directions
    size = jnp.linalg.norm(image)
    scale = jnp.where(size > 0, 1 / jnp.where(size > 0, size, 1.0), 0.0)
    image, direction = scale * image, scale * direction
    step = image @ at.residual
    return _Progress(
        at.iteration + 1,
        at.solution + step * direction,
        at.residual - step * image,
        at.directions.at[at.iteration].set(direction),
        at.images.at[at.iteration].set(image),
    )
