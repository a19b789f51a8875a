"""Variables of IODA that no state holds, as those that it does.

Wind speed and direction become components, virtual temperature becomes temperature where there is
a humidity (T = T_v / (1 + (1/ε − 1) q)), dewpoint becomes specific humidity where there is a
pressure. What was converted stands only where the file has no value of the variable itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from data_pipelines.observations.conversions import (
    real_temperature,
    specific_humidity,
    wind_components,
)
from data_pipelines.observations.ioda_variables import in_degrees, in_si

DIRECTION = "direction"
CONVERTIBLE = {
    "windSpeed": "u_component_of_wind",
    "windDirection": DIRECTION,
    "windSpeedAt10M": "10m_u_component_of_wind",
    "windDirectionAt10M": DIRECTION,
    "virtualTemperature": "temperature",
    "dewpointTemperature": "temperature",
    "dewPointTemperature": "temperature",
}
"""Names of IODA, and the variable that each has the unit of."""

_WINDS = (
    ("windSpeed", "windDirection", "windEastward", "windNorthward"),
    ("windSpeedAt10M", "windDirectionAt10M", "windEastwardAt10M", "windNorthwardAt10M"),
)
_DEWPOINTS = ("dewpointTemperature", "dewPointTemperature")


@dataclass(frozen=True)
class Column:
    """One variable at every location.

    Attributes:
        value: SI unit, NaN where there is none.
        error: standard deviation, NaN where it is not known.
        flag: names of flags.
        there: whether the location reports the variable.
    """

    value: np.ndarray
    error: np.ndarray
    flag: np.ndarray
    there: np.ndarray


def column_in_si(variable: Any, name: str, count: int, *, is_error: bool = False) -> np.ndarray:  # noqa: ANN401 (netCDF4 has no types)
    """Values of a variable of the state called `name`, or directions."""
    if name == DIRECTION:
        return in_degrees(variable, count)
    return in_si(variable, name, count, is_error=is_error)


def with_converted(
    columns: Mapping[str, Column], pressure: np.ndarray
) -> tuple[dict[str, Column], dict[str, str]]:
    """The columns of variables that a state can hold.

    Args:
        columns: by their name in IODA; those of `CONVERTIBLE` are consumed.
        pressure: of every location, Pa.

    Returns:
        The columns, and why what could not be converted was not, by its name in IODA.
    """
    found = {name: column for name, column in columns.items() if name not in CONVERTIBLE}
    reasons: dict[str, str] = {}
    for speed, direction, east, north in _WINDS:
        if {speed, direction} <= set(columns):
            u, v = wind_components(columns[direction].value, columns[speed].value)
            for name, value in ((east, u), (north, v)):
                made = _made(value, columns[speed].error, columns[speed], columns[direction])
                found[name] = _completed(found.get(name), made)
        else:
            reasons |= dict.fromkeys({speed, direction} & set(columns), "no other half")
    for name in set(_DEWPOINTS) & set(columns):
        value = specific_humidity(columns[name].value, pressure)
        made = _made(value, np.full(value.size, np.nan), columns[name])
        found["specificHumidity"] = _completed(found.get("specificHumidity"), made)
    return _with_temperature(columns, found, reasons), reasons


def _with_temperature(
    columns: Mapping[str, Column], found: dict[str, Column], reasons: dict[str, str]
) -> dict[str, Column]:
    """The columns with temperatures of virtual ones; those without a humidity are a reason."""
    if "virtualTemperature" not in columns:
        return found
    virtual, humidity = columns["virtualTemperature"], found.get("specificHumidity")
    if humidity is None:
        reasons["virtualTemperature"] = "no specificHumidity"
        return found
    value = real_temperature(virtual.value, humidity.value)
    made = _made(value, virtual.error, virtual, humidity)
    return found | {"airTemperature": _completed(found.get("airTemperature"), made)}


def _made(value: np.ndarray, error: np.ndarray, *sources: Column) -> Column:
    """What was converted, with the first flag of its sources that is not a pass."""
    flag = sources[0].flag
    for source in sources[1:]:
        flag = np.where(flag == "pass", source.flag, flag)
    return Column(value, error, flag, _all(source.there for source in sources))


def _completed(own: Column | None, made: Column) -> Column:
    """The variable of the file, and what was converted where it has no value."""
    if own is None:
        return made
    empty = np.isnan(own.value) & np.isfinite(made.value)
    return Column(
        *(
            np.where(empty, getattr(made, name), getattr(own, name))
            for name in ("value", "error", "flag", "there")
        )
    )


def _all(arrays: Iterable[np.ndarray]) -> np.ndarray:
    return np.asarray(np.logical_and.reduce(list(arrays)))
