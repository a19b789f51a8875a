"""Scores of a single state against the truth, weighted by area and not by mass.

    MSE = Σ_ij w_ij (x_ij − t_ij)²,   bias = Σ_ij w_ij (x_ij − t_ij),

where w is the share of a cell in the area of the sphere (`Grid.area_weights`, sum 1). Definitions
of WeatherBench 2 (Rasp et al. 2024, J. Adv. Model. Earth Syst. 16). Every score is per case and
level, in the unit of the field; a level- or date-mean RMSE is the root of a mean of MSE.

Where a table shows one number for several levels, every level counts alike, whatever the mass of
its layer (`over_levels`): errors are compared as they are on levels, and a table keeps its meaning
where layers are spaced otherwise. Rewards weight in the same way, a channel at a time. What is
compared at stations counts every report alike.

Arrays are NumPy in double precision: fields are read from a store, and a float32 sum of surface
pressure would lose the digits that matter.
"""

import numpy as np
from jaxtyping import Array, Float

from align_da.atmosphere import Grid
from align_da.errors import InputError


def area_mean(
    field: Float[Array | np.ndarray, "*batch lat lon level"], grid: Grid
) -> Float[np.ndarray, "*batch level"]:
    """Area-weighted mean over the sphere, unit of the field.

    Raises:
        InputError: the field is on another grid.
    """
    values = np.asarray(field, np.float64)
    if values.ndim < 3 or values.shape[-3:-1] != grid.shape:
        message = (
            f"expected a field [..., lat, lon, level] on a grid of {grid.shape}, "
            f"got shape {values.shape}"
        )
        raise InputError(message)
    return np.asarray(np.einsum("...ijl,ij->...l", values, grid.area_weights))


def over_levels(by_level: Float[np.ndarray, " level"]) -> float:
    """One number for a field: the mean over its levels, which count alike; unit of the values."""
    return float(np.mean(by_level))


def mean_square_error(
    estimate: Float[Array | np.ndarray, "*batch lat lon level"],
    truth: Float[Array | np.ndarray, "*batch lat lon level"],
    grid: Grid,
) -> Float[np.ndarray, "*batch level"]:
    """Area-mean squared error, unit of the field squared."""
    return area_mean(_difference(estimate, truth) ** 2, grid)


def root_mean_square_error(
    estimate: Float[Array | np.ndarray, "*batch lat lon level"],
    truth: Float[Array | np.ndarray, "*batch lat lon level"],
    grid: Grid,
) -> Float[np.ndarray, "*batch level"]:
    """Root of the area-mean squared error of each case, unit of the field."""
    return np.asarray(np.sqrt(mean_square_error(estimate, truth, grid)))


def bias(
    estimate: Float[Array | np.ndarray, "*batch lat lon level"],
    truth: Float[Array | np.ndarray, "*batch lat lon level"],
    grid: Grid,
) -> Float[np.ndarray, "*batch level"]:
    """Area-mean error (estimate − truth), unit of the field."""
    return area_mean(_difference(estimate, truth), grid)


def _difference(
    left: Float[Array | np.ndarray, "*batch lat lon level"],
    right: Float[Array | np.ndarray, "*#batch lat lon level"],
) -> Float[np.ndarray, "*batch lat lon level"]:
    """Left − right in double precision."""
    return np.asarray(left, np.float64) - np.asarray(right, np.float64)
