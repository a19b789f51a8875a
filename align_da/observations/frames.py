"""Observations from a data frame that says no more than it must."""

from typing import Any

import numpy as np
import pandas as pd

from align_da.atmosphere import Layout
from align_da.atmosphere.times import in_nanoseconds
from align_da.errors import InputError
from align_da.observations.batch import ObservationBatch
from align_da.observations.columns import check_columns, numbers_of
from align_da.observations.stations import number_of_station, station_names
from align_da.observations.table import UnknownPolicy, batch_from_table

_NEEDED = ("value", "error", "latitude", "longitude", "variable")
_OPTIONAL = ("level", "vertical", "time", "station", "station_id", "units", "flag")
_OF_FILES = ("elevation", "type")


def observations_from_frame(
    frame: pd.DataFrame,
    layout: Layout,
    valid_time: np.datetime64 | None = None,
    pad_to: int | None = None,
    unknown: UnknownPolicy = "error",
) -> ObservationBatch:
    """The observations of one cycle window.

    Args:
        frame: one row an observation; without columns there are none. Columns value, error,
            latitude, longitude and variable (name of one in `layout`); optional, with what stands
            for them: level (of the vertical coordinate of the state; missing or NaN is the
            surface), time (datetime64, or seconds from the valid time; at it), station (a number)
            or station_id (a name, as in files; the number of the row), units (the SI unit of the
            variable) and flag (pass); vertical ("level" or "surface") where level does not tell.
        layout: of the states to analyse.
        valid_time: of the analysis; needed where times are absolute.
        pad_to: fixed number of observations, so that all cycles compile once.
        unknown: what to do about variables that the state does not hold; see `batch_from_table`.

    Raises:
        InputError: a column is missing, unknown, not used here or of the wrong type, a station has
            a number and a name, an error is not positive, a place or time is not finite, or times
            are absolute and there is no `valid_time`. A row without a value is flagged missing.
    """
    table = frame if frame.columns.empty else _completed(frame, valid_time)
    return batch_from_table(table, layout, pad_to, unknown)


def _completed(frame: pd.DataFrame, valid_time: np.datetime64 | None) -> pd.DataFrame:
    """The frame with every column of an observation table.

    Raises:
        InputError: a column is missing, unknown or not used here, or times cannot be told.
    """
    _check_used(frame)
    check_columns(frame, _NEEDED, _OPTIONAL)
    if "station_id" in frame:
        frame = _numbered_stations(frame)
    level = frame["level"] if "level" in frame else pd.Series(np.nan, frame.index)
    defaults: dict[str, Any] = {
        "vertical": np.where(level.isna(), "surface", "level"),
        "time": 0.0,
        "station": np.arange(len(frame)),
    }
    missing = {name: column for name, column in defaults.items() if name not in frame}
    at_surface = level.isna() & (frame.get("vertical", "surface") == "surface")
    table = frame.assign(level=level.mask(at_surface, 0.0), **missing)
    if table["time"].dtype.kind == "M":
        table = table.assign(time=_seconds(table["time"], valid_time))
    return table


def _check_used(frame: pd.DataFrame) -> None:
    """Refuse columns of files that would do nothing here, and a station that is told twice."""
    idle = [name for name in _OF_FILES if name in frame]
    if idle:
        message = (
            f"not used here: {', '.join(idle)}, which only reports from files have a use for: "
            f"drop them, frame.drop(columns={idle}), or give a file to align-da data observations"
        )
        raise InputError(message)
    if "station" in frame and "station_id" in frame:
        message = "expected station (a number) or station_id (a name), got both: drop one of them"
        raise InputError(message)


def _numbered_stations(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with numbers of stations in the place of their names, as of reports from files."""
    places = (numbers_of(frame[name]) for name in ("latitude", "longitude"))
    names = station_names(frame["station_id"], *places)
    return frame.drop(columns="station_id").assign(
        station=[number_of_station(name) for name in names]
    )


def _seconds(time: pd.Series, valid_time: np.datetime64 | None) -> np.ndarray:
    """Seconds from the valid time.

    Raises:
        InputError: there is no valid time, or a time is not known.
    """
    if valid_time is None:
        message = "expected the valid_time of the analysis beside absolute times, got None"
        raise InputError(message)
    plain = pd.to_datetime(time, utc=True).dt.tz_localize(None).to_numpy()
    apart = in_nanoseconds(plain) - valid_time
    return np.asarray(apart / np.timedelta64(1, "s"))
