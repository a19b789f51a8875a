"""What the departures from observations say about the cycle.

With d_b = y − H x_b (innovation) and d_a = y − H x_a (residual), per variable:

    bias and standard deviation of both,  residual chi-square = mean d_a² / R  (below 1 where the
    observations were fitted),  R̂ = mean d_a d_b  and  H B̂ Hᵀ = mean (d_b − d_a) d_b

(Desroziers et al. 2005, Q. J. R. Meteorol. Soc. 131), estimates of the error variances of
observations and background that hold for a nearly optimal linear analysis: read them with care
for a diffusion sampler. Observations with flag PASSIVE were withheld from the analysis: their RMSE
is the only figure here that fitting the observations cannot improve.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from align_da.atmosphere import Layout, variable_named
from align_da.observations.batch import Flag


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


def departure_statistics(departures: Departures, layout: Layout) -> pd.DataFrame:
    """One row a variable that was observed, SI units.

    Returns:
        Columns variable (symbol), units, used, background_bias, background_std, analysis_bias,
        analysis_std, chi_square, assumed_error, desroziers_error and desroziers_background_error
        (nan where the estimate of the variance is negative), withheld, withheld_background_rmse,
        withheld_analysis_rmse. Figures without observations are nan.
    """
    rows = [
        _row(departures, departures.variable == index, name)
        for index, name in enumerate(layout.variables)
    ]
    return pd.DataFrame([row for row in rows if row["used"] or row["withheld"]])


def _row(
    departures: Departures, chosen: Bool[np.ndarray, " observation"], name: str
) -> dict[str, str | int | float]:
    """The statistics of one variable."""
    used = chosen & (departures.flag == Flag.PASS)
    withheld = chosen & (departures.flag == Flag.PASSIVE)
    innovation, residual = departures.innovation[used], departures.residual[used]
    return {
        "variable": variable_named(name).symbol,
        "units": variable_named(name).units,
        "used": int(used.sum()),
        "background_bias": _mean(innovation),
        "background_std": _std(innovation),
        "analysis_bias": _mean(residual),
        "analysis_std": _std(residual),
        "chi_square": _mean((residual / departures.error[used]) ** 2),
        "assumed_error": _root_mean_square(departures.error[used]),
        "desroziers_error": _root(_mean(innovation * residual)),
        "desroziers_background_error": _root(_mean(innovation * (innovation - residual))),
        "withheld": int(withheld.sum()),
        "withheld_background_rmse": _root_mean_square(departures.innovation[withheld]),
        "withheld_analysis_rmse": _root_mean_square(departures.residual[withheld]),
    }


def _mean(values: np.ndarray) -> float:
    """Mean; nan of none."""
    return float(values.mean()) if values.size else float("nan")


def _std(values: np.ndarray) -> float:
    """Standard deviation about the mean; nan of none."""
    return float(values.std()) if values.size else float("nan")


def _root(variance: float) -> float:
    """Standard deviation of a variance; nan of a negative one."""
    return float(np.sqrt(variance)) if variance >= 0 else float("nan")


def _root_mean_square(values: np.ndarray) -> float:
    """Root mean square; nan of none."""
    return float(np.sqrt(_mean(values**2)))
