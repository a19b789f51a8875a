"""Reports: the table that every reader of observation files gives, one row an observation.

Columns are those of an observation table (see `align_da.observations.table`), except that

- `time` is absolute (datetime64, UTC),
- `level` is a pressure in Pa, NaN at the surface,
- a station has a name, `station_id` (text), and an `elevation` in metres (NaN: not reported),
- `type` says what observed: radiosonde, synop, ship, aircraft, ...

Values are in SI units. What has no value, position or time keeps its row, flagged missing.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from align_da.atmosphere import VARIABLES
from align_da.errors import InputError
from align_da.observations.batch import Flag, Vertical
from align_da.observations.columns import codes_of, names_of, numbers_of
from align_da.observations.table import check_not_swapped

_NUMBERS = ("value", "error", "latitude", "longitude", "level", "elevation")
_NAMES = ("vertical", "variable", "station_id", "type", "flag")
REPORT_COLUMNS = (*_NUMBERS, "time", *_NAMES)
_ORDER = ("time", "type", "station_id", "variable", "vertical", "level", "latitude", "longitude")
_PERIOD = np.datetime64("1900-01-01"), np.datetime64("2100-01-01")


def checked_reports(table: pd.DataFrame) -> pd.DataFrame:
    """The reports in their order, with what has no value, position or time flagged missing.

    The order depends on what the rows say alone, so that files may come in any order.

    Args:
        table: the columns `REPORT_COLUMNS`; an error that is NaN is not known yet.

    Returns:
        A new table, longitudes within [0, 360), a plain index.

    Raises:
        InputError: there is nothing in it, a column is missing or of another type, a name is
            unknown, a time is not within 1900 to 2100, an error is negative, latitude and
            longitude are swapped, or a surface pressure or level cannot be in Pa.
    """
    _check_columns(table)
    numbers = {name: numbers_of(table[name]) for name in _NUMBERS}
    names = {name: names_of(table[name]) for name in _NAMES}
    _check_names(names)
    time = _times(table["time"])
    _check_numbers(numbers, names)
    nothing = ~np.isfinite(numbers["value"])
    for name in ("latitude", "longitude"):
        nothing |= ~np.isfinite(numbers[name])
    at_level = np.asarray(names["vertical"]) == "level"
    nothing |= np.isnat(time) | (at_level & ~np.isfinite(numbers["level"]))
    if np.all(nothing):
        message = f"expected values with a place and a time, got none in {len(table)} rows"
        raise InputError(message)
    numbers["longitude"] = numbers["longitude"] % 360.0
    flag = np.asarray(names["flag"], dtype=object)
    names["flag"] = list(np.where(nothing & (flag == "pass"), "missing", flag))
    checked = pd.DataFrame({**numbers, "time": time, **names})[list(REPORT_COLUMNS)]
    checked = checked.sort_values([*_ORDER, "value", "error", "flag"], kind="stable")
    return checked.reset_index(drop=True)


def joined_reports(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The checked reports of several files as one table in its order."""
    return checked_reports(pd.concat(tables, ignore_index=True))


def summary_of(reports: pd.DataFrame) -> str:
    """Counts by type, variable and flag, as text."""
    counts = reports.groupby(["type", "variable", "flag"]).size().unstack("flag", fill_value=0)
    return str(counts.to_string())


def _check_columns(table: pd.DataFrame) -> None:
    missing = [name for name in REPORT_COLUMNS if name not in table]
    unknown = [str(name) for name in table.columns if name not in REPORT_COLUMNS]
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
                "multiply them by 100"
            )
            raise InputError(message)


def _times(column: pd.Series) -> np.ndarray:
    """Times as datetime64[ns], UTC.

    Raises:
        InputError: they are no times, or not within 1900 to 2100.
    """
    if pd.api.types.is_any_real_numeric_dtype(column):
        message = f"column 'time': expected times (UTC), got numbers ({column.dtype})"
        raise InputError(message)
    try:
        found = pd.to_datetime(column, utc=True, format="ISO8601").dt.tz_localize(None)
        time = found.to_numpy("datetime64[s]")
    except (ValueError, TypeError, OverflowError, AttributeError) as error:
        message = f"column 'time': expected times as 2020-01-31T12:00:00 (UTC): {error}"
        raise InputError(message) from error
    outside = (time < _PERIOD[0]) | (time >= _PERIOD[1])
    if np.any(outside):
        row = int(np.argmax(outside))
        message = (
            f"column 'time': expected 1900 to 2100, got {time[row]} in row {row + 1}: "
            "another epoch or calendar?"
        )
        raise InputError(message)
    return time.astype("datetime64[ns]")
