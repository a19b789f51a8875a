"""Reports: the table that every reader of observation files gives, one row an observation.

Columns are those of an observation table (see `align_da.observations.table`), except that

- `time` is absolute (datetime64, UTC),
- `level` is a pressure in Pa, NaN at the surface,
- a station has a name, `station_id` (text), and an `elevation` in metres (NaN: not reported),
- `type` says what observed: radiosonde, synop, ship, aircraft, ...

Values are in SI units. What has no value, position or time keeps its row, flagged missing; what
has a position that cannot be is flagged domain.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from align_da.atmosphere import VARIABLES
from align_da.errors import InputError
from align_da.observations.batch import Flag, Vertical
from align_da.observations.columns import codes_of, names_of, numbers_of
from align_da.observations.fill_values import without_fill
from align_da.observations.stations import station_names
from align_da.observations.table import check_not_swapped

_NUMBERS = ("value", "error", "latitude", "longitude", "level", "elevation")
_NAMES = ("vertical", "variable", "station_id", "type", "flag")
REPORT_COLUMNS = (*_NUMBERS, "time", *_NAMES)
_FILE = "file"
_ORDER = ("time", "type", "station_id", "variable", "vertical", "level", "latitude", "longitude")
_PERIOD = np.datetime64("1900-01-01"), np.datetime64("2100-01-01")
_FILL_YEARS = r"0001-|9999-"
_NO_LEVEL = 99999.0  # Pa: a fill value that would be a pressure
_ROUNDING = 1e-6  # degrees
_EXTENT = {
    "latitude": (-90.0, 90.0),
    "longitude": (-180.0, 360.0),
    "level": (1.0, 1.2e5),
    "elevation": (-500.0, 9000.0),
}
"""What a position can be: degrees, Pa and metres."""


def checked_reports(table: pd.DataFrame) -> pd.DataFrame:
    """The reports in their order, with what has no value, position or time flagged missing.

    The order depends on what the rows say alone, so that files may come in any order.

    Args:
        table: the columns `REPORT_COLUMNS`, and `file` (the name of the file they come from) if it
            is known; an error that is NaN is not known yet.

    Returns:
        A new table, longitudes within [0, 360) unless they are flagged domain, stations by their
        one name, a plain index.

    Raises:
        InputError: there is nothing in it, a column is missing or of another type, a name is
            unknown, no time is within 1900 to 2100, an error is negative, latitude and
            longitude are swapped, or a surface pressure or level cannot be in Pa.
    """
    _check_columns(table)
    numbers = _numbers(table)
    names = {name: names_of(table[name]) for name in _NAMES}
    _check_names(names)
    time = _times(table["time"])
    _check_numbers(numbers, names)
    names["station_id"] = station_names(
        table["station_id"], numbers["latitude"], numbers["longitude"]
    )
    names["flag"] = list(_flags(numbers, names, time))
    inside = _inside(numbers, "longitude")
    east = numbers["longitude"]
    numbers["longitude"] = np.where(inside, east % 360.0, east)
    names[_FILE] = names_of(table[_FILE]) if _FILE in table else [""] * len(table)
    checked = pd.DataFrame({**numbers, "time": time, **names})[[*REPORT_COLUMNS, _FILE]]
    checked = checked.sort_values([*_ORDER, "value", "error", "flag", _FILE], kind="stable")
    return checked.reset_index(drop=True)


def _numbers(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """The columns of numbers, NaN in the place of fill values and of heights of no station."""
    numbers = {name: without_fill(numbers_of(table[name])) for name in _NUMBERS}
    numbers["level"] = np.where(numbers["level"] == _NO_LEVEL, np.nan, numbers["level"])
    known = _inside(numbers, "elevation")
    numbers["elevation"] = np.where(known, numbers["elevation"], np.nan)
    north, pole = numbers["latitude"], np.copysign(90.0, numbers["latitude"])
    at_pole = np.abs(north - pole) < _ROUNDING  # packed numbers of a pole lie beyond it
    numbers["latitude"] = np.where(at_pole, pole, north)
    return numbers


def _inside(numbers: dict[str, np.ndarray], name: str) -> np.ndarray:
    """Whether each number of a position is one that can be; of a NaN it is not."""
    low, high = _EXTENT[name]
    return (numbers[name] >= low) & (numbers[name] <= high)


def _flags(
    numbers: dict[str, np.ndarray], names: dict[str, list[str]], time: np.ndarray
) -> np.ndarray:
    """The flags, missing where there is no value or place and domain where the place cannot be.

    Raises:
        InputError: no row has a value, a place and a time.
    """
    at_level = np.asarray(names["vertical"]) == "level"
    nothing = np.isnat(time) | (at_level & np.isnan(numbers["level"]))
    for name in ("value", "latitude", "longitude"):
        nothing |= np.isnan(numbers[name])
    if np.all(nothing):
        message = f"expected values with a place and a time, got none in {len(time)} rows"
        raise InputError(message)
    outside = ~_inside(numbers, "latitude") | ~_inside(numbers, "longitude")
    outside |= at_level & ~_inside(numbers, "level")
    flag = np.asarray(names["flag"], dtype=object)
    counts = np.isin(flag.astype(str), ("pass", "passive"))
    flag = np.where(counts & outside, "domain", flag)
    return np.where(counts & nothing, "missing", flag)


def joined_reports(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The checked reports of several files as one table in its order."""
    return checked_reports(pd.concat(tables, ignore_index=True))


def summary_of(reports: pd.DataFrame) -> str:
    """Counts by type, variable and flag, as text."""
    counts = reports.groupby(["type", "variable", "flag"]).size().unstack("flag", fill_value=0)
    return str(counts.to_string())


def _check_columns(table: pd.DataFrame) -> None:
    missing = [name for name in REPORT_COLUMNS if name not in table]
    known = (*REPORT_COLUMNS, _FILE)
    unknown = [str(name) for name in table.columns if name not in known]
    if missing or unknown:
        message = (
            f"expected the columns {', '.join(REPORT_COLUMNS)}; missing: "
            f"{', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'}"
        )
        raise InputError(message)
    if table.empty:
        message = "expected observations, got a table without rows"
        raise InputError(message)


def _check_names(names: dict[str, list[str]]) -> None:
    """Refuse names of variables, flags and kinds of position that nobody knows."""
    codes_of("variable", names["variable"], dict.fromkeys(VARIABLES, 0))
    codes_of("flag", names["flag"], {flag.name.lower(): int(flag) for flag in Flag})
    codes_of("vertical", names["vertical"], {kind.name.lower(): int(kind) for kind in Vertical})


_OF_INDEX = (
    "; a model whose levels are numbered is observed by reports with `vertical` surface, at its "
    "lowest level"
)


def _check_numbers(numbers: dict[str, np.ndarray], names: dict[str, list[str]]) -> None:
    """Refuse what no single bad report explains."""
    check_not_swapped(numbers["latitude"], numbers["longitude"])
    negative = numbers["error"] < 0
    if np.any(negative):
        row = int(np.argmax(negative))
        message = f"expected positive errors, got {numbers['error'][row]} in row {row + 1}"
        raise InputError(message)
    pressure = np.asarray(names["variable"]) == "surface_pressure"
    for what, values in (
        ("levels", numbers["level"]),
        ("surface pressures", numbers["value"][pressure]),
    ):
        known = values[np.isfinite(values)]
        highest = 1200.0 if what == "levels" else 2000.0
        if known.size and np.median(known) > 0 and np.max(known) <= highest:
            message = (
                f"expected {what} in Pa, got at most {np.max(known)}: they seem to be in hPa, "
                f"multiply them by 100{_OF_INDEX if what == 'levels' else ''}"
            )
            raise InputError(message)


def _times(column: pd.Series) -> np.ndarray:
    """Times as datetime64[ns], UTC; NaT where a time is not within 1900 to 2100, as fills are.

    Raises:
        InputError: they are no times, or none is within 1900 to 2100.
    """
    if pd.api.types.is_any_real_numeric_dtype(column):
        message = f"column 'time': expected times (UTC), got numbers ({column.dtype})"
        raise InputError(message)
    if not pd.api.types.is_datetime64_any_dtype(column):
        # Years that nanoseconds do not hold would refuse all of the column.
        column = column.mask(column.astype(str).str.match(_FILL_YEARS))
    try:
        found = pd.to_datetime(column, utc=True, format="ISO8601").dt.tz_localize(None)
        time = found.to_numpy("datetime64[s]")
    except (ValueError, TypeError, OverflowError, AttributeError) as error:
        message = f"column 'time': expected times as 2020-01-31T12:00:00 (UTC): {error}"
        raise InputError(message) from error
    known = ~np.isnat(time)
    outside = known & ((time < _PERIOD[0]) | (time >= _PERIOD[1]))
    if np.any(outside) and np.array_equal(outside, known):
        row = int(np.argmax(outside))
        message = (
            f"column 'time': expected 1900 to 2100, got {time[row]} in row {row + 1}: "
            "another epoch or calendar?"
        )
        raise InputError(message)
    return np.where(outside, np.datetime64("NaT", "s"), time).astype("datetime64[ns]")
