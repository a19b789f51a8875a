"""Why an analysis moved so little, or so much, towards an observation: numbers in words."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from align_da.atmosphere import variable_named
from align_da.observations.batch import Flag
from align_da.verification.observation_worth import NOT_IN_STATE

FLAGS = {
    Flag.PASS: "assimilated",
    Flag.PASSIVE: "withheld: compared, and not assimilated",
    Flag.MISSING: "no value",
    Flag.PRE_QC: "rejected before it came here",
    Flag.BOUNDS: "rejected: the value is not plausible",
    Flag.DOMAIN: "outside the domain, the levels or the window",
    Flag.BLACKLISTED: "blacklisted",
    Flag.OPERATOR_FAILED: "the observation operator failed",
    Flag.THINNED: "thinned out",
    Flag.REFERENCE: "rejected: too far from a reference",
    Flag.CLOUD: "rejected: cloud",
    Flag.BACKGROUND: "rejected by the background check",
    Flag.SEA_ICE: "rejected: sea ice",
    Flag.TRACK: "rejected by the track check",
    Flag.BUDDY: "rejected by the buddy check: its neighbours do not bear it out",
    Flag.DERIVATIVE: "rejected: its position changes too fast",
    Flag.PROFILE: "rejected by the check of its profile",
    Flag.ONE_D_VAR: "rejected by 1D-Var",
    Flag.BAYESIAN: "rejected by the Bayesian check",
    Flag.MODEL_THRESHOLD: "rejected: the model is beyond a threshold",
    Flag.HISTORY: "rejected by the history of its station",
    Flag.PROCESSED: "left out on purpose",
    Flag.SUPERREFRACTION: "rejected: superrefraction",
    Flag.SUPEROB: "part of the superob of another",
    Flag.DUPLICATE: "a duplicate of another",
}
"""What became of an observation, by its flag."""
_Row = Mapping[str, Any]  # of the table of `worth_of`
_SMALL = 0.3  # share of an innovation
_LITTLE = 0.5  # innovation, in units of what was expected
_OF_WEIGHT = 0.5  # share over weight; errors alone do not explain less
_WEIGHS = 0.5  # weight, and an opposite innovation in units of one's own


@dataclass(frozen=True)
class Reach:
    """How far observations are seen.

    Attributes:
        radius: half width of the localisation, metres; None is no localisation.
        nearest: distance from the station to the nearest column of the grid, metres.
        threshold: of the background check, in units of the expected departure.
    """

    radius: float | None
    nearest: float
    threshold: float

    @property
    def misses(self) -> bool:
        """Whether no column sees the station."""
        return self.radius is not None and self.nearest >= 2 * self.radius


def leading_observation(worth: pd.DataFrame) -> int:
    """The observation that asked for most: used ones first, then by |innovation| over its error.

    Args:
        worth: of `worth_of`, at least one row.

    Returns:
        Its place in the batch.
    """
    asked = np.abs(worth["innovation"].to_numpy() / worth["error"].to_numpy())
    used = (worth["flag"] == Flag.PASS.name.lower()).to_numpy()
    return int(worth.index.to_numpy()[np.lexsort((asked, used))[-1]])


def sentences_of(worth: pd.DataFrame, neighbours: pd.DataFrame, reach: Reach) -> list[str]:
    """One sentence about the leading observation of a station, one about those not used.

    Args:
        worth: of `worth_of`, at least one row.
        neighbours: of `neighbours_of`.
        reach: of observations.
    """
    place = leading_observation(worth)
    leading = {name: worth[name][place] for name in map(str, worth)}
    own = neighbours[neighbours["observation"] == place]
    told = [f"{_place_of(leading)}: {_reason(leading, own, reach)}."]
    rejected = worth[worth["flag"] != Flag.PASS.name.lower()]
    if len(rejected) and len(rejected) < len(worth):
        counts = rejected["flag"].value_counts()
        kinds = ", ".join(f"{count} {flag}" for flag, count in counts.items())
        told.append(f"{len(rejected)} of its {len(worth)} observations were not used: {kinds}.")
    return told


def with_unit(value: float, variable: str) -> str:
    """A number with the SI unit of its variable."""
    number = f"{value:.3g}"
    return number if variable == NOT_IN_STATE else variable_named(variable).with_unit(number)


def _place_of(row: _Row) -> str:
    """Variable and level of an observation."""
    name = str(row["variable"]).replace("_", " ")
    return name if math.isnan(row["level"]) else f"{name} at {row['level']:g}"


def _reason(row: _Row, neighbours: pd.DataFrame, reach: Reach) -> str:
    """Why the analysis has moved as it has at an observation."""
    if row["flag"] != Flag.PASS.name.lower():
        return _not_used(row, reach)
    if reach.misses:
        return (
            f"beyond the radius of localisation: no column of the grid is within "
            f"2 x {(reach.radius or 0.0) / 1e3:.0f} km, the nearest is "
            f"{reach.nearest / 1e3:.0f} km away"
        )
    if row["expected"] < _LITTLE:
        return (
            f"there was little to correct: the innovation, {_said(row, 'innovation')}, is "
            f"{row['expected']:.2g} of the departure that errors make expect"
        )
    if math.isnan(row["share"]) or row["share"] >= _SMALL:
        return _not_small(row)
    return _small(row, neighbours)


def _not_used(row: _Row, reach: Reach) -> str:
    """Why an observation was not assimilated."""
    told = FLAGS[Flag[str(row["flag"]).upper()]]
    if row["flag"] != Flag.BACKGROUND.name.lower():
        return told
    return (
        f"{told}: its innovation, {_said(row, 'innovation')}, is {row['expected']:.1f} times the "
        f"departure that errors make expect, and the limit is {reach.threshold:g}"
    )


def _not_small(row: _Row) -> str:
    """An increment that is not small, held against the weight."""
    told = (
        f"not small, {row['share']:.0%} of the innovation, {_said(row, 'innovation')}, has "
        "reached the analysis"
    )
    if math.isnan(row["weight"]):
        return told
    return f"{told}; alone it would have had a weight of {row['weight']:.2f}"


def _small(row: _Row, neighbours: pd.DataFrame) -> str:
    """Why an increment is small: the errors, a neighbour, or the others together."""
    moved = "the analysis moved away" if row["share"] < 0 else "small"
    if row["weight"] < _WEIGHS and row["share"] >= _OF_WEIGHT * row["weight"]:
        ratio = row["error"] / row["background_error"]
        return (
            f"small because sigma_o, {_said(row, 'error')}, is {ratio:.1f} times the error of the "
            f"background, {_said(row, 'background_error')}: the weight is {row['weight']:.2f}"
        )
    against = neighbours[
        neighbours["opposite"]
        & (neighbours["innovation"].abs() > _WEIGHS * abs(row["innovation"]))
    ]
    if len(against):
        pull = against.loc[(against["taper"] * against["innovation"].abs()).idxmax()]
        opposite = with_unit(pull["innovation"], row["variable"])
        return (
            f"{moved} because the neighbour {pull['station']}, {pull['distance_km']:.0f} km away, "
            f"has the opposite innovation, {opposite} against {_said(row, 'innovation')}"
        )
    if not len(neighbours):
        return f"{moved} though no used neighbour is within reach: other variables and levels pull"
    mean = (neighbours["taper"] * neighbours["innovation"]).sum() / neighbours["taper"].sum()
    return (
        f"{moved} because its neighbours ask for less, {with_unit(mean, row['variable'])} on "
        f"average of {len(neighbours)} against {_said(row, 'innovation')}"
    )


def _said(row: _Row, column: str) -> str:
    """A number of a row with its unit."""
    return with_unit(float(row[column]), str(row["variable"]))
