"""Background errors as everybody has them: B as a matrix, as an operator, or samples.

Each gives the Gaussian prior x ~ N(x_b, B) without autoencoder and network, in the space of the
states: the control variable z is white and x = x_b + B^½ z. It serves every method that takes a
`LatentPrior`: with latent 3D-Var and one iteration the analysis is the best linear unbiased
estimate, with guidance draws come from the posterior. The grid may be any, a sphere or not.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.atmosphere import Layout, Normalisation, State
from align_da.autoencoder.identity import IdentityAutoencoder
from align_da.autoencoder.latent_space import LatentSpace, Values
from align_da.diffusion.schedule import EDMSchedule
from align_da.errors import InputError
from align_da.prior.ensemble_errors import EnsembleErrors
from align_da.prior.latent_prior import LatentPrior
from align_da.prior.latent_scaling import LatentScaling
from align_da.prior.matrix_root import square_root

_TOLERANCE = 1e-4  # of a correlation: rounding of matrices in single precision


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class CovarianceRoot:
    """B^½ in the place of a correlation that was estimated; the same at every lead time.

    Attributes:
        apply: white field → increment in SI units, both [lat, lon, channel]; linear.
    """

    apply: jax.tree_util.Partial

    def colour(self, white: Values, share_of_leads: Float[Array, " lead"]) -> Values:
        """B^½ of a white field, SI units."""
        coloured: Values = self.apply(white)
        return coloured

    def whitener(self, share_of_leads: Float[Array, " lead"]) -> Callable[[Values], Values]:
        """There is none.

        Raises:
            InputError: always; a network cannot be used with B of other making.
        """
        message = (
            "expected a prior without a network: background errors that are given as a matrix, an "
            "operator or samples have no inverse root; estimate them (LatentScaling) to train one"
        )
        raise InputError(message)


def prior_from_root(layout: Layout, apply_root: Callable[[Values], Values]) -> LatentPrior:
    """The prior N(x_b, B) with B known by an operator: nothing of its size squared is formed.

    Args:
        layout: of the states.
        apply_root: z → B^½ z, any root (B = B^½ B^½ᵀ): a white field to an increment in SI units,
            both [lat, lon, channel]. Written in JAX, linear.
    """
    shape = layout.shape
    rows, _, channels = shape
    scaling = LatentScaling(
        lead_hours=jnp.zeros(1),
        increment_root=jnp.broadcast_to(jnp.eye(channels), (1, rows, channels, channels)),
        state_mean=jnp.zeros(channels),
        state_std=jnp.ones(channels),
        correlation=CovarianceRoot(jax.tree_util.Partial(apply_root)),  # type: ignore[no-untyped-call]
    )
    as_they_are = Normalisation(jnp.zeros(channels), jnp.ones(channels))
    space = LatentSpace(IdentityAutoencoder(shape), as_they_are)
    return LatentPrior(space, None, scaling, EDMSchedule(0.0, 1.0))


def prior_from_covariance(
    layout: Layout, covariance: Float[Array | np.ndarray, "size size"]
) -> LatentPrior:
    """The prior N(x_b, B) with B a matrix; its root takes time with the cube of the size.

    Args:
        layout: of the states.
        covariance: B between the numbers of a state, flattened (lat, lon, channel), in the product
            of the SI units of both. It may be singular.

    Raises:
        InputError: it has another size, or is no covariance.
    """
    size = int(np.prod(layout.shape))
    matrix = np.asarray(covariance, np.float64)
    if matrix.shape != (size, size):
        message = (
            f"expected a background error covariance of shape {(size, size)} for states of shape "
            f"{layout.shape}, got {matrix.shape}"
        )
        raise InputError(message)
    _check_covariance(matrix)
    root = jnp.asarray(_root(matrix), jnp.float32)
    return prior_from_root(layout, jax.tree_util.Partial(_times, root))  # type: ignore[no-untyped-call]


def prior_from_samples(
    errors: State, taper_root: Float[Array, "column column"] | None = None
) -> LatentPrior:
    """The prior N(x_b, B) with B the sample covariance of background errors, localised or not.

    Without a taper B = E Eᵀ / (n − 1), E the samples about their mean; with a taper L between
    columns it is (E Eᵀ / (n − 1)) ∘ L. No matrix between all numbers of a state is formed.

    Args:
        errors: samples, as forecast − truth, or differences of forecasts over √2; values
            [sample, lat, lon, channel], SI units.
        taper_root: L^½, of any taper: `ensemble_errors.taper_root(grid, 1, radius)` on a sphere,
            `square_root` of a matrix of tapers elsewhere; columns are flattened (lat, lon).

    Raises:
        InputError: there are fewer than two samples, or the taper is of another grid.
    """
    samples = errors.values.shape[0]
    if samples < 2:
        message = f"expected at least two samples of background errors, got {samples}"
        raise InputError(message)
    apart = (errors.values - errors.values.mean(axis=0)) / (samples - 1) ** 0.5
    if taper_root is None:
        return prior_from_root(errors.layout, _root_of_samples(apart))
    columns = int(np.prod(errors.layout.grid.shape))
    if taper_root.shape != (columns, columns):
        message = f"expected the root of a taper of shape {(columns, columns)}, one row a column "
        message += f"of the grid, got {taper_root.shape}"
        raise InputError(message)
    return replace(
        prior_from_root(errors.layout, jnp.zeros_like),
        ensemble=EnsembleErrors(apart, taper_root, share=1.0),
    )


def _check_covariance(matrix: Float[np.ndarray, "size size"]) -> None:
    """Raise an InputError unless the matrix is finite and symmetric, with variances ≥ 0."""
    variance = np.diag(matrix)
    std = np.sqrt(np.where(variance > 0, variance, 1.0))
    with np.errstate(invalid="ignore"):  # what is not finite is told first
        apart = np.abs(matrix - matrix.T)
    wrong = {
        "finite numbers": ~np.isfinite(matrix),
        "variances of at least 0 on the diagonal": np.diag(variance < 0),
        "a symmetric matrix": apart > _TOLERANCE * std[:, None] * std,
    }
    for expected, places in wrong.items():
        if places.any():
            row, column = np.argwhere(places)[0]
            message = (
                f"expected {expected} in a background error covariance, got "
                f"{matrix[row, column]:.3g} in row {row}, column {column}"
            )
            raise InputError(message)


def _root(matrix: Float[np.ndarray, "size size"]) -> Float[np.ndarray, "size size"]:
    """B^½ by the root of the correlations: units of the variables may differ by any power."""
    std = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    safe = np.where(std > 0, std, 1.0)
    correlation = matrix / safe[:, None] / safe
    root = square_root(correlation)
    if np.abs(root @ root - correlation).max() > _TOLERANCE:
        message = (
            "expected a background error covariance without negative eigenvalues, got one whose "
            f"correlations have the eigenvalue {np.linalg.eigvalsh(correlation)[0]:.3g}: take the "
            "nearest matrix that has none"
        )
        raise InputError(message)
    scaled: Float[np.ndarray, "size size"] = std[:, None] * root
    return scaled


def _root_of_samples(
    apart: Float[Array, "sample lat lon channel"],
) -> jax.tree_util.Partial:
    """(E Eᵀ)^½ = U S Uᵀ of E = U S Vᵀ, in units of the standard deviation of every number."""
    rows = np.asarray(apart, np.float64).reshape(apart.shape[0], -1)
    std = np.sqrt(np.square(rows).sum(axis=0))
    _, singular, directions = np.linalg.svd(
        rows / np.where(std > 0, std, 1.0), full_matrices=False
    )
    parts = (jnp.asarray(part, jnp.float32) for part in (std, singular, directions))
    return jax.tree_util.Partial(_along, *parts)  # type: ignore[no-untyped-call]


def _times(root: Float[Array, "size size"], white: Values) -> Values:
    """A matrix times a field."""
    return (root @ white.ravel()).reshape(white.shape)


def _along(
    std: Float[Array, " size"],
    singular: Float[Array, " sample"],
    directions: Float[Array, "sample size"],
    white: Values,
) -> Values:
    """D U S Uᵀ z of the rows U of `directions`."""
    coloured = std * ((singular * (directions @ white.ravel())) @ directions)
    return coloured.reshape(white.shape)
