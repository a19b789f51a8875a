"""Scores of an ensemble at stations: of model equivalents against what a perfect report would be.

As `verify_cycles.score_cycle` for the grid, every report with the same weight.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Array, Bool, Float

from align_da.atmosphere import Layout
from align_da.observations.batch import Flag, ObservationBatch, Vertical
from align_da.verification.ensemble_scores import comparable_spread, ensemble_variance, fair_crps
from align_da.verification.verified_fields import VerifiedField


def score_stations(
    equivalent: Float[Array, "member observation"],
    expected: Float[Array, " observation"],
    observations: ObservationBatch,
    layout: Layout,
    fields: Sequence[VerifiedField],
    *,
    centred: bool = False,
) -> dict[tuple[str, str], float]:
    """Scores of one ensemble at the stations that are withheld.

    Args:
        equivalent: H of every member, SI units.
        expected: H of the truth, which has no error of a report.
        observations: positions; the reports flagged passive are scored.
        layout: of the states.
        fields: what to score; a field without any report is left out.
        centred: the mean of the members has no sampling error, see `ensemble_scores`.

    Returns:
        Value by (label of the field, score), SI units.
    """
    members, truth = np.asarray(equivalent, np.float64), np.asarray(expected, np.float64)
    withheld = np.asarray(observations.flag == Flag.PASSIVE)
    found: dict[tuple[str, str], float] = {}
    for field in fields:
        chosen = withheld & belongs(observations, layout, field)
        if chosen.any():
            scores = _score(members[:, chosen], truth[chosen], centred=centred)
            found |= {(field.label, score): value for score, value in scores.items()}
    return found


def belongs(
    observations: ObservationBatch, layout: Layout, field: VerifiedField
) -> Bool[np.ndarray, " observation"]:
    """Whether each report is of the variable and the levels of a field."""
    levels = np.asarray(layout.grid.vertical.levels)
    own = np.abs(np.asarray(observations.level)[:, None] - levels).argmin(axis=1)
    surface = np.asarray(observations.vertical) == Vertical.SURFACE
    here = np.isin(np.where(surface, 0, own), field.levels)
    same = np.asarray(observations.variable) == layout.variables.index(field.variable)
    return np.asarray(same & here)


def _score(
    members: Float[np.ndarray, "member report"],
    truth: Float[np.ndarray, " report"],
    *,
    centred: bool,
) -> dict[str, float]:
    """Scores of the reports of one field."""
    error = members.mean(axis=0) - truth
    found = {
        "rmse": float(np.sqrt(np.mean(error**2))),
        "bias": float(error.mean()),
        "crps": float(fair_crps(members, truth, centred=centred).mean()),
    }
    variance = ensemble_variance(members)
    if variance is not None:
        found["spread"] = comparable_spread(
            float(variance.mean()), members.shape[0], centred=centred
        )
    return found
