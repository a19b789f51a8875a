"""From a row a place, with a column a variable, to a row an observation."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from align_da.observations.reports import REPORT_COLUMNS

_SHARED = ("latitude", "longitude", "elevation", "time", "station_id", "type")


def stacked(places: pd.DataFrame, values: Mapping[str, np.ndarray], vertical: str) -> pd.DataFrame:
    """Reports of every variable at every place, errors not known yet.

    Args:
        places: the columns latitude, longitude, elevation, time, station_id and type, and level
            where `vertical` is "level".
        values: an array (place,) for each WeatherBench 2 name, SI units, NaN where missing.
        vertical: "level" or "surface".
    """
    level = places["level"].to_numpy() if vertical == "level" else np.full(len(places), np.nan)
    parts = []
    for name, array in values.items():
        part = places[list(_SHARED)].assign(value=array, error=np.nan, level=level)
        parts.append(part.assign(variable=name, vertical=vertical, flag="pass"))
    return pd.concat(parts, ignore_index=True)[list(REPORT_COLUMNS)]
