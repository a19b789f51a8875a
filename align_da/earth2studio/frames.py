"""Data frames of earth2studio, one row an observation, as reports.

Columns: time, lat, lon, observation, variable; optional: pres (Pa, of rows whose name has no
level), elev or station_elev (m), station, type, quality (marks of NCEP, 0 the best) and error
(standard deviation). Other columns say nothing that an analysis uses. Everything is in SI units.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from align_da.atmosphere import Layout
from align_da.checks import some_of
from align_da.earth2studio.variables import Observed, observable_names, observed
from align_da.errors import InputError
from align_da.observations.columns import names_of, numbers_of
from align_da.observations.error_model import InstrumentErrors
from align_da.observations.reports import REPORT_COLUMNS, checked_reports

FillErrors = Callable[[pd.DataFrame], pd.DataFrame]
"""Gives reports their errors where those are NaN."""

REQUIRED = ("time", "lat", "lon", "observation", "variable")
_SUSPECT, _REJECTED = 3, 4  # marks of PREPBUFR: below 3 good, from 4 on not to be used
_SAME_LEVEL = 1e-3  # two pressures of one row, relative: one of them is float32


def reports_of(frame: Any, layout: Layout) -> pd.DataFrame:  # noqa: ANN401 (pandas, cudf, pyarrow)
    """The checked reports of a frame; none of None and of a frame without rows.

    Args:
        frame: the columns named above; a table of pyarrow or cudf is converted.
        layout: layout of the state; gives the variables that can be observed.

    Raises:
        InputError: it is no table, a column is missing or of another type, a variable is unknown,
            a name and a pressure contradict each other, or no row has a value, a place and a time.
    """
    foreign = hasattr(frame, "to_pandas") and hasattr(frame, "columns")
    table = frame.to_pandas() if foreign else frame
    if table is None:
        return _no_reports()
    _check_columns(table)
    if table.empty:
        return _no_reports()
    meanings = _meanings(table, layout)
    at_level = np.asarray([meaning.at_level for meaning in meanings])
    latitude, longitude = numbers_of(table["lat"]), numbers_of(table["lon"])
    return checked_reports(
        pd.DataFrame(
            {
                "value": numbers_of(table["observation"]),
                "error": _numbers(table, "error"),
                "latitude": latitude,
                "longitude": longitude,
                "level": np.where(at_level, _levels(table, meanings), np.nan),
                "elevation": _elevations(table),
                "time": table["time"].to_numpy(),
                "vertical": np.where(at_level, "level", "surface"),
                "variable": [meaning.variable for meaning in meanings],
                "station_id": _stations(table, latitude, longitude),
                "type": _texts(table, "type", "other"),
                "flag": _flags(_numbers(table, "quality")),
            }
        )
    )


def errors_of_run(reports: pd.DataFrame, errors: InstrumentErrors) -> pd.DataFrame:
    """The reports with an error of the run where the frame had none.

    Raises:
        ConfigError: the run has no error for a variable.
    """
    known = {name: errors.of(name) for name in reports["variable"].unique()}
    return reports.assign(error=reports["error"].fillna(reports["variable"].map(known)))


def _no_reports() -> pd.DataFrame:
    kinds = {"time": "datetime64[ns]"} | dict.fromkeys(
        ("value", "error", "latitude", "longitude", "level", "elevation"), "float64"
    )
    return pd.DataFrame(
        {name: pd.Series(dtype=kinds.get(name, "object")) for name in REPORT_COLUMNS}
    )


def _check_columns(table: Any) -> None:  # noqa: ANN401
    if not isinstance(table, pd.DataFrame):
        message = f"expected observations in a data frame or None, got {type(table).__name__}"
        raise InputError(message)
    missing = [name for name in REQUIRED if name not in table]
    if missing:
        message = (
            f"expected observations with the columns {', '.join(REQUIRED)}; missing: "
            f"{', '.join(missing)}, there are {', '.join(map(str, table.columns)) or 'none'}"
        )
        raise InputError(message)


def _meanings(table: pd.DataFrame, layout: Layout) -> list[Observed]:
    """What the variable of every row means."""
    names = names_of(table["variable"])
    known = {name: observed(name, layout) for name in set(names)}
    strange = sorted(name for name, meaning in known.items() if meaning is None)
    if strange:
        count = sum(name in strange for name in names)
        message = (
            f"{count} of {len(names)} observations are of variables that the state does not hold "
            f"or nobody knows ({some_of(strange)}): leave them out; known are "
            f"{', '.join(observable_names(layout))}"
        )
        raise InputError(message)
    return [meaning for name in names if (meaning := known[name]) is not None]


def _levels(table: pd.DataFrame, meanings: list[Observed]) -> Float[np.ndarray, " row"]:
    """Pressure of every row in Pa, by its name or by the column."""
    named = np.asarray([meaning.level for meaning in meanings])
    given = _numbers(table, "pres")
    contrary = np.abs(given - named) > _SAME_LEVEL * named  # of a NaN it is neither
    if np.any(contrary):
        row = int(np.argmax(contrary))
        message = (
            f"row {row + 1} is {table['variable'].iloc[row]!r} at pres = {given[row]:g} Pa: "
            "expected the level of the name in Pa, or no pressure"
        )
        raise InputError(message)
    return np.where(np.isfinite(named), named, given)


def _elevations(table: pd.DataFrame) -> Float[np.ndarray, " row"]:
    """Height of the station, m; elev is that of the observation, which is as high."""
    station = _numbers(table, "station_elev")
    return np.where(np.isfinite(station), station, _numbers(table, "elev"))


def _stations(
    table: pd.DataFrame,
    latitude: Float[np.ndarray, " row"],
    longitude: Float[np.ndarray, " row"],
) -> list[str]:
    """Name of every station; where there is none, its place."""
    places = [f"{north:.4f} {east:.4f}" for north, east in zip(latitude, longitude, strict=True)]
    return _texts(table, "station", pd.Series(places, table.index))


def _texts(table: pd.DataFrame, name: str, default: pd.Series | str) -> list[str]:
    """A column of names, with `default` where it has none."""
    column = table[name] if name in table else pd.Series(None, table.index, dtype=object)
    return names_of(column.astype(object).where(column.notna(), default))


def _flags(quality: Float[np.ndarray, " row"]) -> np.ndarray:
    return np.select([quality >= _REJECTED, quality >= _SUSPECT], ["bounds", "passive"], "pass")


def _numbers(table: pd.DataFrame, name: str) -> Float[np.ndarray, " row"]:
    """A column that may be missing, or hold nothing but None."""
    if name not in table or table[name].isna().all():
        return np.full(len(table), np.nan)
    return numbers_of(table[name])
