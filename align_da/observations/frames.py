"""Observations from a data frame that says no more than it must."""

from typing import Any

import numpy as np
import pandas as pd

from align_da.atmosphere import Layout
from align_da.atmosphere.times import in_nanoseconds
from align_da.errors import InputError
from align_da.observations.batch import ObservationBatch
from align_da.observations.table import batch_from_table


def observations_from_frame(
    frame: pd.DataFrame,
    layout: Layout,
    valid_time: np.datetime64 | None = None,
    pad_to: int | None = None,
) -> ObservationBatch:
    """The observations of one cycle window.

    Args:
        frame: one row an observation; without columns there are none. Columns value, error,
            latitude, longitude and variable (name of one in `layout`); optional, with what stands
            for them: level (of the vertical coordinate of the state; missing or NaN is the
            surface), time (datetime64, or seconds from the valid time; at it), station (the number
            of the row), units (the SI unit of the variable) and flag (pass); vertical ("level" or
            "surface") where level does not tell.
        layout: of the states to analyse.
        valid_time: of the analysis; needed where times are absolute.
        pad_to: fixed number of observations, so that all cycles compile once.

    Raises:
        InputError: a column is missing, unknown or of the wrong type, or times are absolute and
            there is no `valid_time`.
    """
    nothing = frame.columns.empty
    return batch_from_table(frame if nothing else _completed(frame, valid_time), layout, pad_to)


def _completed(frame: pd.DataFrame, valid_time: np.datetime64 | None) -> pd.DataFrame:
    """The frame with every column of an observation table."""
    level = frame["level"] if "level" in frame else pd.Series(np.nan, frame.index)
    defaults: dict[str, Any] = {
        "vertical": np.where(level.isna(), "surface", "level"),
        "time": 0.0,
        "station": np.arange(len(frame)),
    }
    missing = {name: column for name, column in defaults.items() if name not in frame}
    table = frame.assign(level=level.fillna(0.0), **missing)
    if table["time"].dtype.kind == "M":
        table = table.assign(time=_seconds(table["time"], valid_time))
    return table


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
