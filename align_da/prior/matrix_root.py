"""The square root of covariance matrices."""

import numpy as np
from jaxtyping import Float, Inexact

Matrices = Inexact[np.ndarray, "*batch size size"]


def square_root(covariance: Matrices) -> Matrices:
    """The Hermitian (or real symmetric) square root of every matrix, which may be singular.

    Args:
        covariance: Hermitian; positive but for rounding.
    """
    values, vectors = np.linalg.eigh(covariance)
    std = np.sqrt(np.maximum(values, 0.0))[..., None, :]
    root: Matrices = vectors * std @ np.swapaxes(vectors, -1, -2).conj()
    return root


def root_and_inverse(
    covariance: Matrices, smallest: Float[np.ndarray, "*batch 1"] | float
) -> tuple[Matrices, Matrices]:
    """The Hermitian (or real symmetric) square root of every matrix, and its inverse.

    Args:
        covariance: Hermitian; positive but for rounding and sampling error.
        smallest: variances are held above this, so that the root can be inverted.
    """
    values, vectors = np.linalg.eigh(covariance)
    std = np.sqrt(np.maximum(values, smallest))[..., None, :]
    adjoint = np.swapaxes(vectors, -1, -2).conj()
    return vectors * std @ adjoint, vectors / std @ adjoint
