"""What the departures from observations say about the cycle.

With d_b = y − H x_b (innovation) and d_a = y − H x_a (residual), per variable:

    bias and standard deviation of both,  residual chi-square = mean d_a² / R  (below 1 where the
    observations were fitted),  R̂ = mean d_a d_b  and  H B̂ Hᵀ = mean (d_b − d_a) d_b

(Desroziers et al. 2005, Q. J. R. Meteorol. Soc. 131), estimates of the error variances of
observations and background that hold for a nearly optimal linear analysis: read them with care
for a diffusion sampler. Observations with flag PASSIVE were withheld from the analysis: their RMSE
is the only figure here that fitting the observations cannot improve.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from align_da.atmosphere import Layout, variable_named
from align_da.observations.batch import Flag

_FLAGS = (Flag.PASS, Flag.PASSIVE)


@dataclass(frozen=True)
class Departures:
    """Departures of one or more cycles, flattened.

    Attributes:
        innovation: y − H x_b, SI units.
        residual: y − H x_a, SI units.
        error: assumed standard deviation of the observation error, SI units.
        variable: index in `layout.variables`.
        flag: quality control flag.
    """

    innovation: Float[np.ndarray, " observation"]
    residual: Float[np.ndarray, " observation"]
    error: Float[np.ndarray, " observation"]
    variable: Int[np.ndarray, " observation"]
    flag: Int[np.ndarray, " observation"]


def departure_statistics(cycles: Iterable[Departures], layout: Layout) -> pd.DataFrame:
    """One row a variable that was observed, SI units.

    Args:
        cycles: departures of some cycles at a time; no more than their sums is kept.
        layout: of the states.

    Returns:
        Columns variable (symbol), units, used, background_bias, background_std, analysis_bias,
        analysis_std, chi_square, assumed_error, desroziers_error and desroziers_background_error
        (nan where the estimate of the variance is negative), withheld, withheld_background_rmse,
        withheld_analysis_rmse. Figures without observations are nan.
    """
    kinds = np.zeros((len(_FLAGS), len(layout.variables), len(_Means._fields)))
    for departures in cycles:
        kinds += [_sums(departures, flag, len(layout.variables)) for flag in _FLAGS]
    rows = [
        _row(name, _means(used), _means(withheld))
        for name, used, withheld in zip(layout.variables, *kinds, strict=True)
    ]
    return pd.DataFrame([row for row in rows if row["used"] or row["withheld"]])


class _Means(NamedTuple):
    """The number of observations, and means over them; nan of none."""

    number: float
    innovation: float
    residual: float
    innovation_squared: float
    residual_squared: float
    product: float  # of innovation and residual
    error_squared: float
    chi_square: float


def _sums(
    departures: Departures, flag: Flag, variables: int
) -> Float[np.ndarray, "variable term"]:
    """What `_Means` has the means of, in its order, summed over observations with a flag."""
    chosen = departures.flag == flag
    innovation, residual, error = (
        values[chosen].astype(np.float64)
        for values in (departures.innovation, departures.residual, departures.error)
    )
    terms = (
        np.ones_like(innovation),
        innovation,
        residual,
        innovation**2,
        residual**2,
        innovation * residual,
        error**2,
        (residual / error) ** 2,
    )
    place = departures.variable[chosen]
    sums = [np.bincount(place, term, variables) for term in terms]
    return np.stack(sums, axis=1).astype(np.float64)  # of none they are integers


def _means(sums: Float[np.ndarray, " term"]) -> _Means:
    """The means of one variable."""
    number, *others = sums.tolist()
    return _Means(number, *(total / number if number else float("nan") for total in others))


def _row(name: str, used: _Means, withheld: _Means) -> dict[str, str | int | float]:
    """The statistics of one variable."""
    return {
        "variable": variable_named(name).symbol,
        "units": variable_named(name).units,
        "used": int(used.number),
        "background_bias": used.innovation,
        "background_std": _std(used.innovation, used.innovation_squared),
        "analysis_bias": used.residual,
        "analysis_std": _std(used.residual, used.residual_squared),
        "chi_square": used.chi_square,
        "assumed_error": _root(used.error_squared),
        "desroziers_error": _root(used.product),
        "desroziers_background_error": _root(used.innovation_squared - used.product),
        "withheld": int(withheld.number),
        "withheld_background_rmse": _root(withheld.innovation_squared),
        "withheld_analysis_rmse": _root(withheld.residual_squared),
    }


def _std(mean: float, mean_square: float) -> float:
    """Standard deviation about the mean; rounding may leave less than nothing of a variance."""
    variance = mean_square - mean**2
    return _root(variance if np.isnan(variance) else max(variance, 0.0))


def _root(variance: float) -> float:
    """Standard deviation of a variance; nan of a negative one."""
    return float(np.sqrt(variance)) if variance >= 0 else float("nan")
