"""Observation errors that are correlated, given as a matrix or as an operator.

An observation that is not used is marginalised. For a matrix its row and column of R become those
of the unit matrix, which leaves the Cholesky factor of the others as if it were not there. For an
operator W with Wᵀ W = R⁻¹, of all observations, the likelihood of the used ones is that of all
with the best values in the place of the others: with u and n for used and not used ones,

    d_uᵀ (R_uu)⁻¹ d_u = min over d_n of |W (d_u + d_n)|²,

so that the whitened departure is W (d_u + d_n) at that minimum, found by conjugate gradients. (To
cross out rows after whitening instead would take the errors of the unused ones for known.)
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular
from jax.scipy.sparse.linalg import cg
from jaxtyping import Array, Bool, Float

from align_da.errors import InputError
from align_da.observations.batch import ObservationBatch

_CG_ITERATIONS = 200  # at most, for the values of unused observations
_CG_TOLERANCE = 1e-6  # relative, near rounding
_DIAGONAL_TOLERANCE = 1e-3  # relative


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class CorrelatedErrors:
    """Errors with the covariance R; takes time with the cube of the number of observations.

    Invariants, checked by `likelihood_of`:
        1. The rows of used observations are symmetric and positive definite.
        2. Their diagonal is the squared `error` of the observations: that diagonal counts, also
           where an error of representation is added to it.

    Attributes:
        covariance: R, [observation, observation], in the product of the units of both.
    """

    covariance: Float[Array, "observation observation"]

    def whiten(
        self,
        departure: Float[Array, " observation"],
        variance: Float[Array, " observation"],
        used: Bool[Array, " observation"],
    ) -> Float[Array, " observation"]:
        """L⁻¹ D^-½ d with D^½ L Lᵀ D^½ = R; 0 where not used. See `GaussianErrors`."""
        root = jnp.linalg.cholesky(self.correlation(variance, used))
        white: Float[Array, " observation"]
        white = solve_triangular(root, departure / _std(variance, used), lower=True)
        return white

    def correlation(
        self, variance: Float[Array, " observation"], used: Bool[Array, " observation"]
    ) -> Float[Array, "observation observation"]:
        """D^-½ R D^-½ of the used observations; see `GaussianErrors`."""
        return _correlation(self.covariance, variance, used)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class WhitenedErrors:
    """Errors known by an operator that makes them white: no matrix is formed or factorised.

    Optimal interpolation and a localised LETKF are dense and do form it. The diagonal of R is the
    squared `error` of the observations; nothing can be added to it.

    Attributes:
        apply: W of all observations, used or not: d → W d with Wᵀ W = R⁻¹, linear. A function
            that is made anew every cycle is compiled anew: a frozen dataclass with a `__call__`
            and the same value is not.
    """

    apply: Callable[[Float[Array, " observation"]], Float[Array, " observation"]] = field(
        metadata={"static": True}
    )

    def whiten(
        self,
        departure: Float[Array, " observation"],
        variance: Float[Array, " observation"],
        used: Bool[Array, " observation"],
    ) -> Float[Array, " observation"]:
        """W (d_u + d_n) at its minimum over d_n; see `GaussianErrors`."""
        transpose = jax.linear_transpose(self.apply, departure)

        def precision(free: Float[Array, " observation"]) -> Float[Array, " observation"]:
            (pulled,) = transpose(self.apply(jnp.where(used, 0.0, free)))
            return jnp.where(used, free, pulled)

        white = self.apply(departure)
        pull = jnp.where(used, 0.0, transpose(white)[0])
        best, _ = cg(precision, pull, tol=_CG_TOLERANCE, maxiter=_CG_ITERATIONS)  # type: ignore[no-untyped-call]
        return white - self.apply(best)

    def correlation(
        self, variance: Float[Array, " observation"], used: Bool[Array, " observation"]
    ) -> Float[Array, "observation observation"]:
        """Of (Wᵀ W)⁻¹, formed and inverted; see `GaussianErrors`."""
        columns = jax.vmap(self.apply)(jnp.eye(used.shape[0]))
        return _correlation(jnp.linalg.inv(columns @ columns.T), variance, used)


def check_covariance(errors: CorrelatedErrors, observations: ObservationBatch) -> None:
    """See that a matrix is the covariance of the errors of these observations.

    Raises:
        InputError: it has another size or diagonal, or is not symmetric or not positive definite.
    """
    covariance = np.asarray(errors.covariance, np.float64)
    count = observations.value.shape[0]
    if covariance.shape != (count, count):
        message = (
            f"expected a covariance of shape {(count, count)}, as there are {count} observations "
            f"(padded ones included), got {covariance.shape}"
        )
        raise InputError(message)
    rows = np.flatnonzero(observations.used)
    std = np.asarray(observations.error, np.float64)[rows]
    correlation = covariance[np.ix_(rows, rows)] / (std[:, None] * std)
    if not np.allclose(np.diag(correlation), 1, rtol=0, atol=_DIAGONAL_TOLERANCE):
        found = np.diag(correlation)
        message = (
            "expected the diagonal of the covariance of observation errors to be the squared "
            f"`error` of the observations, got {found.min():.3g} to {found.max():.3g} times "
            "that: set `error` to its square root"
        )
        raise InputError(message)
    _check_positive(correlation)


def _check_positive(correlation: Float[np.ndarray, "used used"]) -> None:
    """Raise an InputError unless a matrix is symmetric and positive definite."""
    if not np.allclose(correlation, correlation.T, rtol=0, atol=_DIAGONAL_TOLERANCE):
        message = "expected a symmetric covariance of observation errors, got one that is not"
        raise InputError(message)
    smallest = np.linalg.eigvalsh(correlation).min(initial=1.0)
    if smallest <= len(correlation) * np.finfo(np.float32).eps:
        message = (
            "expected a positive definite covariance of observation errors, got a correlation "
            f"matrix whose smallest eigenvalue is {smallest:.3g}: add independent errors"
        )
        raise InputError(message)


def _std(
    variance: Float[Array, " observation"], used: Bool[Array, " observation"]
) -> Float[Array, " observation"]:
    """√R of the used observations, 1 elsewhere."""
    return jnp.sqrt(jnp.where(used, variance, 1.0))


def _correlation(
    covariance: Float[Array, "observation observation"],
    variance: Float[Array, " observation"],
    used: Bool[Array, " observation"],
) -> Float[Array, "observation observation"]:
    """What is beside the diagonal in units of both standard deviations, and a unit diagonal."""
    std, unit = _std(variance, used), jnp.eye(used.shape[0])
    pairs = used[:, None] & used & (unit == 0)
    return jnp.where(pairs, covariance, 0.0) / (std[:, None] * std) + unit
