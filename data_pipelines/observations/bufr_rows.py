"""From the elements of a BUFR subset, in their order, to rows: one a level, a point or a time.

An element that says where or when holds for what follows until it is given anew (WMO-No. 306,
volume I.2, FM 94, regulation 94.5.3). So a row ends where a coordinate is given anew after a
value; the level ends with it where the coordinate is one of a level. That reads profiles, points
of a flight and hours of a station whatever their template, and needs no table of templates.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

Row = dict[str, float]

PLACE = ("latitude", "longitude")
TIME = ("year", "month", "day", "hour", "minute", "second")
PERIOD, _SIGNIFICANCE = "timePeriod", "timeSignificance"
_WIND = frozenset({"windDirection", "windSpeed", "windDirectionAt10M", "windSpeedAt10M"})
_MASS = frozenset(
    {
        *(
            "airTemperature",
            "airTemperatureAt2M",
            "dewpointTemperature",
            "dewpointTemperatureAt2M",
        ),
        *("nonCoordinatePressure", "pressureReducedToMeanSeaLevel"),
    }
)
_HEIGHTS = frozenset({"nonCoordinateGeopotential", "nonCoordinateGeopotentialHeight"})
VALUES = _MASS | _WIND | _HEIGHTS
LEVELS = frozenset(
    {
        *("pressure", "height", "flightLevel", "indicatedAircraftAltitude"),
        *("geopotential", "geopotentialHeight"),
        *("extendedVerticalSoundingSignificance", "verticalSoundingSignificance"),
    }
)
# Code table 0 08 021: times of the report itself, and values that stand for a period.
_OF_THE_REPORT = {1.0, 2.0, 3.0, 16.0, 18.0, 25.0, 28.0}
_OVER_A_PERIOD = {2.0, 3.0}
_AVERAGED = 3600.0  # s: a shorter period in front of a wind alone is that of its mean


@dataclass
class _Reader:
    """The state of reading one subset."""

    values: frozenset[str]
    levels: frozenset[str]
    row: Row = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    begun: bool = False  # the row has a value
    significance: float = np.nan  # of time

    def take(self, name: str, value: float) -> None:
        """Read the next element."""
        if name == _SIGNIFICANCE:
            self.significance = value
        elif name in self.values:
            if name in self.row:  # a level without a coordinate of its own
                self.end(name)
            self.row[name] = value
            self.begun = True
        elif name in TIME and not self._of_the_report():
            return
        else:
            if self.begun and (name in self.levels or name in {*PLACE, *TIME, PERIOD}):
                self.end(name)
            averaged = name == PERIOD and self.significance in _OVER_A_PERIOD
            self.row[name] = np.nan if averaged else value

    def end(self, name: str) -> None:
        """End the row in front of the element `name`; what is not given anew goes on."""
        if self.begun:
            self.rows.append(self.row)
        level = name in self.levels or name in _HEIGHTS
        gone = self.values | self.levels if level else self.values
        self.row = {key: value for key, value in self.row.items() if key not in gone}
        self.begun = False

    def _of_the_report(self) -> bool:
        return bool(np.isnan(self.significance)) or self.significance in _OF_THE_REPORT


def levels_of(elements: Iterable[tuple[str, float]]) -> list[Row]:
    """The levels of a sounding or an aircraft, at every point of its flight."""
    reader = _Reader(VALUES, LEVELS | {PERIOD})
    for name, value in elements:
        reader.take(name, value)
    reader.end("")
    return reader.rows


def times_of(elements: Iterable[tuple[str, float]]) -> tuple[list[Row], Counter[str]]:
    """The reports of a station: one for every time and place.

    A period in front of a value moves its time; not where the value is a mean over the period.

    Returns:
        The rows, and what is given again for the same time and place, by name: the first counts.
    """
    reader = _Reader(_MASS | _WIND, frozenset())
    for name, value in elements:
        reader.take(name, value)
    reader.end("")
    return _joined(reader.rows)


def _joined(rows: Sequence[Row]) -> tuple[list[Row], Counter[str]]:
    """Rows of the same time and place as one, the first value of each element kept."""
    joined: dict[tuple[float, ...], Row] = {}
    again: Counter[str] = Counter()
    for row in rows:
        moved = {**row, PERIOD: _moved_by(row)}
        key = tuple(float(np.nan_to_num(moved.get(name, 0.0))) for name in (*PLACE, *TIME, PERIOD))
        first = joined.setdefault(key, moved)
        for name, value in moved.items():
            if np.isnan(first.get(name, np.nan)):
                first[name] = value
            elif first is not moved and name in _MASS | _WIND and not np.isnan(value):
                again[name] += 1
    return list(joined.values()), again


def _moved_by(row: Row) -> float:
    """Seconds by which a row is off the time of its report."""
    period = float(np.nan_to_num(row.get(PERIOD, 0.0)))
    of_wind = not any(name in row for name in _MASS)
    return 0.0 if of_wind and abs(period) < _AVERAGED else period
