"""What an observation was worth in an analysis.

With d = y − H x_b the innovation, σ_o its error, σ_b the error of the background that the gain
assumes there, and X_a the members as the gain leaves them,

    weight      σ_b² / (σ_b² + σ_o²)          what it would get alone, at its place
    share       (H x_a − H x_b) / d           what of d has reached the analysis there
    influence   ∂(H x_a) / ∂y = var(H X_a) / σ_o²     its own part in that

A share far from the weight is the work of the others. The sum of influences is the number of
degrees of freedom for signal.

Source of the influence: Liu, Kalnay, Miyoshi and Cardinali 2009, Q. J. R. Meteorol. Soc. 135,
1842-1851, equation 8.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from align_da.atmosphere import Layout
from align_da.observations.batch import UNKNOWN_VARIABLE, Flag, ObservationBatch, Vertical

NOT_IN_STATE = "not_in_state"


@dataclass(frozen=True)
class ObservedCycle:
    """What is known of the observations of a cycle, SI units of each.

    Attributes:
        batch: the observations, quality controlled.
        layout: of the states.
        background: H of the background mean.
        analysis: H of the analysis mean.
        spread: of the background members, H of them; NaN with one.
        background_error: that the gain assumes; NaN where it is not known.
        expected: departure that quality control expects, √(R + H B Hᵀ).
        influence: dimensionless; NaN where it is not known.
    """

    batch: ObservationBatch
    layout: Layout
    background: Float[np.ndarray, " observation"]
    analysis: Float[np.ndarray, " observation"]
    spread: Float[np.ndarray, " observation"]
    background_error: Float[np.ndarray, " observation"]
    expected: Float[np.ndarray, " observation"]
    influence: Float[np.ndarray, " observation"]

    @property
    def innovation(self) -> Float[np.ndarray, " observation"]:
        """Value minus H of the background mean."""
        return np.asarray(np.subtract(self.batch.value, self.background, dtype=np.float64))


def influence_of(
    members: Float[np.ndarray, "member observation"],
    error: Float[np.ndarray, " observation"],
    used: Bool[np.ndarray, " observation"],
) -> Float[np.ndarray, " observation"]:
    """Influence of every observation on its own analysis; 0 of what was not used.

    Args:
        members: H of the members of the analysis, as the gain leaves them, SI units.
        error: σ_o, SI units.
        used: whether it was assimilated.
    """
    variance = np.var(np.asarray(members, np.float64), axis=0, ddof=1)
    return np.where(used, variance / np.where(used, error, 1.0) ** 2, 0.0)


def worth_of(cycle: ObservedCycle, rows: Bool[np.ndarray, " observation"]) -> pd.DataFrame:
    """A row an observation: variable, level, numbers in SI units, and its flag in lower case.

    Args:
        cycle: the observations of a cycle.
        rows: which of them.

    Returns:
        `level` is NaN at the surface; `expected` is |innovation| over what quality control
        expects; the index is the place in the batch.
    """
    batch, place = cycle.batch, np.flatnonzero(rows)
    numbers = {
        name: np.asarray(array, np.float64)[place]
        for name, array in (
            ("value", batch.value),
            ("background", cycle.background),
            ("innovation", cycle.innovation),
            ("error", batch.error),
            ("spread", cycle.spread),
            ("background_error", cycle.background_error),
            ("analysis", cycle.analysis),
            ("influence", cycle.influence),
        )
    }
    innovation, variance = numbers["innovation"], numbers["background_error"] ** 2
    moved = numbers["analysis"] - numbers["background"]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(innovation == 0, np.nan, moved / innovation)
    at_surface = np.asarray(batch.vertical)[place] == Vertical.SURFACE
    level = np.where(at_surface, np.nan, np.asarray(batch.level, np.float64)[place])
    derived = {
        "weight": variance / (variance + numbers["error"] ** 2),
        "share": share,
        "expected": np.abs(innovation) / cycle.expected[place],
        "flag": [Flag(number).name.lower() for number in np.asarray(batch.flag)[place]],
    }
    names = {UNKNOWN_VARIABLE: NOT_IN_STATE} | dict(enumerate(cycle.layout.variables))
    variable = [names[index] for index in np.asarray(batch.variable)[place].tolist()]
    return pd.DataFrame({"variable": variable, "level": level, **numbers, **derived}, index=place)


def reported_by(batch: ObservationBatch, station: int) -> Bool[np.ndarray, " observation"]:
    """Which observations of a batch are of a station; padding and what was missing is of none."""
    known = np.asarray(batch.flag) != Flag.MISSING
    return np.asarray(known & (np.asarray(batch.station) == station))
