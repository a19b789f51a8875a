"""The rolling monitor: whether observations still come as they did, and as good as they did.

For every variable, every station, and every variable of every station, two figures a cycle are
watched: the number of observations that passed quality control and the mean of their departures
y − H x_b. Both have two kinds of limits, as the automatic checks of ECMWF have
(https://nwpsaf.eu/site/monitoring/data-alerts):

    soft:  mean ± 6 s of the 20 cycles before,    hard:  mean ± 12 s of the first 20 cycles,

with s the standard deviation over these cycles. Soft limits follow the season; hard limits stay,
and go on alerting when a fault has lasted so long that the soft ones have moved to it. Counts are
often the same in every cycle: their limits are at least 30 % of the mean away from it, and so far
that a single observation is no alert (hard: twice as far).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from align_da.observations.batch import Flag

ALL = "all"
ALERT_COLUMNS = ("cycle", "station", "variable", "what", "limits", "value", "low", "high")
_HISTORY = 20  # cycles
_WIDTH = 6.0  # standard deviations, of which 20 cycles give a rough estimate
_SHARE, _FEWEST = 0.3, 1.5  # of the mean count, and observations
_HARD = 2.0  # times as wide
_ANY = np.iinfo(np.int32).min  # stands for all stations or variables among their numbers


@dataclass(frozen=True)
class MonitoredCycles:
    """The observations of every cycle.

    Attributes:
        departure: y − H x_b, SI units.
        variable: index of the variable in the state.
        station: number of the station.
        flag: a `Flag`.
    """

    departure: Float[np.ndarray, "cycle observation"]
    variable: Int[np.ndarray, "cycle observation"]
    station: Int[np.ndarray, "cycle observation"]
    flag: Int[np.ndarray, "cycle observation"]


@dataclass(frozen=True)
class ObservationSeries:
    """What is watched, a column a series.

    Attributes:
        station: number of the station of each series as text, or `ALL`.
        variable: name of the variable, or `ALL`.
        count: observations that passed quality control, those withheld among them.
        mean_departure: of these, SI units; NaN where there are none, or where units differ.
    """

    station: tuple[str, ...]
    variable: tuple[str, ...]
    count: Float[np.ndarray, "cycle series"]
    mean_departure: Float[np.ndarray, "cycle series"]


def observation_series(cycles: MonitoredCycles, variables: Sequence[str]) -> ObservationSeries:
    """Counts and mean departures of all stations, of all variables, and of each of both.

    Args:
        cycles: the observations.
        variables: names by the index of the variable.
    """
    accepted = np.isin(cycles.flag, (Flag.PASS, Flag.PASSIVE)) & (cycles.variable >= 0)
    cycle, variable = np.nonzero(accepted)[0], cycles.variable[accepted]
    station = cycles.station[accepted]
    everything = np.full_like(variable, _ANY)
    labels = np.concatenate(
        [
            np.stack(pair, axis=1)
            for pair in ((everything, variable), (station, everything), (station, variable))
        ]
    )
    series, column = np.unique(labels, axis=0, return_inverse=True)
    shape = (cycles.flag.shape[0], len(series))
    place = np.tile(cycle, 3) * shape[1] + column.ravel()
    departure = np.tile(cycles.departure[accepted].astype(np.float64), 3)
    count = np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
    sums = np.bincount(place, departure, shape[0] * shape[1]).reshape(shape)
    comparable = (count > 0) & (series[:, 1] != _ANY)
    return ObservationSeries(
        tuple(ALL if number == _ANY else str(number) for number in series[:, 0]),
        tuple(ALL if index == _ANY else variables[index] for index in series[:, 1]),
        count,
        np.where(comparable, sums / np.maximum(count, 1), np.nan),
    )


def observation_alerts(series: ObservationSeries) -> pd.DataFrame:
    """Everything outside its limits, in the order of the cycles; nothing in the first 20.

    Returns:
        Columns `ALERT_COLUMNS`: what is "count" or "mean departure", limits "soft" or "hard".
    """
    watched = {
        "count": (series.count, (_SHARE, _FEWEST)),
        "mean departure": (series.mean_departure, (0.0, 0.0)),
    }
    rows: list[tuple[object, ...]] = []
    for what, (values, narrowest) in watched.items():
        for limits, (low, high) in _limits(values, *narrowest).items():
            for cycle, column in np.argwhere((values < low) | (values > high)):
                name = series.station[column], series.variable[column]
                bounds = low[cycle, column], high[cycle, column]
                rows.append((int(cycle), *name, what, limits, values[cycle, column], *bounds))
    table = pd.DataFrame(rows, columns=list(ALERT_COLUMNS))
    return table.sort_values(list(ALERT_COLUMNS[:5]), ignore_index=True)


def _limits(
    values: Float[np.ndarray, "cycle series"], share: float, fewest: float
) -> dict[str, tuple[Float[np.ndarray, "cycle series"], Float[np.ndarray, "cycle series"]]]:
    """Lower and upper limit of every cycle by kind; NaN in the first cycles.

    Args:
        values: what is watched.
        share: smallest distance of the soft limits from the mean, as a share of it.
        fewest: smallest distance likewise, in units of the values.
    """
    mean, spread = np.full((2, *values.shape), np.nan)
    for cycle in range(_HISTORY, len(values)):
        mean[cycle], spread[cycle] = _moments(values[cycle - _HISTORY : cycle])
    half = np.maximum(_WIDTH * spread, np.maximum(share * mean, fewest))
    first, wide = np.full((2, *values.shape), np.nan)
    first[_HISTORY:], wide[_HISTORY:] = (
        mean[_HISTORY : _HISTORY + 1],
        half[_HISTORY : _HISTORY + 1],
    )
    wide *= _HARD
    return {"soft": (mean - half, mean + half), "hard": (first - wide, first + wide)}


def _moments(
    values: Float[np.ndarray, "cycle series"],
) -> tuple[Float[np.ndarray, " series"], Float[np.ndarray, " series"]]:
    """Mean and standard deviation over the cycles; NaN where fewer than half have a value."""
    known = np.isfinite(values)
    number = np.where(known.sum(axis=0) >= _HISTORY / 2, known.sum(axis=0), np.nan)
    mean = np.where(known, values, 0.0).sum(axis=0) / number
    squares = np.where(known, (values - mean) ** 2, 0.0).sum(axis=0)
    return mean, np.sqrt(squares / (number - 1))
