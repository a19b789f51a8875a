"""BUFR: radiosondes (TEMP), surface stations and ships (SYNOP), aircraft (AMDAR).

The framing of every message is checked before eccodes sees a byte; the data are decoded in a child
process (see `decode_bufr`). Soundings give geopotential, temperature, humidity and wind at their
levels and the surface pressure where the level is marked as the surface; a position is that of the
launch. Surface reports give station and sea level pressure, temperature and humidity at 2 m and
wind at 10 m. Aircraft report heights of the standard atmosphere, which become pressures. Messages
of other categories are counted and told.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from align_da.constants import GRAVITY
from align_da.errors import InputError
from data_pipelines.observations.account import FileReports
from data_pipelines.observations.child import decoded_by
from data_pipelines.observations.conversions import (
    pressure_of_flight_level,
    specific_humidity,
    wind_components,
)
from data_pipelines.observations.framing import check_framing, named, of_known_categories
from data_pipelines.observations.stacking import stacked

_SURFACE, _SHIP, _SOUNDING, _AIRCRAFT = 0, 1, 2, 4  # BUFR table A
_TYPES = {_SURFACE: "synop", _SHIP: "ship", _SOUNDING: "radiosonde", _AIRCRAFT: "aircraft"}
_SURFACE_BITS = {7: 64, 18: 131072}  # bits of significance: of 008001 and of 008042


def read_bufr(path: Path) -> FileReports:
    """The reports of a BUFR file.

    Raises:
        InputError: the file is no BUFR, is cut off or damaged, or holds no report that is read.
        ConfigError: eccodes is not installed.
    """
    check_framing(path)
    rows = decoded_by("decode_bufr.py", "eccodes", path)
    known, left_out = of_known_categories(rows, _TYPES, path)
    rows = _placed(known, path)
    parts = [
        convert(group.reset_index(drop=True))
        for category, convert in _CONVERTERS.items()
        if len(group := rows[rows["category"] == category])
    ]
    table = pd.concat(parts, ignore_index=True)
    return FileReports(table, len(table) + sum(left_out.values()), left_out)


def _placed(rows: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Rows with a time, a type and a station name.

    Raises:
        InputError: no message says when it was observed.
    """
    parts = {
        name: rows[name].fillna(0 if name in {"minute", "second"} else np.nan)
        for name in ("year", "month", "day", "hour", "minute", "second")
    }
    time = pd.to_datetime(pd.DataFrame(parts), errors="coerce")
    if time.isna().all():
        message = f"{path}: expected year, month, day and hour in the messages, found no time"
        raise InputError(message)
    kind = rows["category"].map(_TYPES)
    return rows.assign(time=time, type=kind, station_id=named(rows))


def _sounding(rows: pd.DataFrame) -> pd.DataFrame:
    """Reports of radiosondes."""
    column = {name: rows[name].to_numpy(np.float64) for name in rows.select_dtypes("number")}
    height = column["geopotential_height"] * GRAVITY
    geopotential = np.where(np.isnan(column["geopotential"]), height, column["geopotential"])
    u, v = wind_components(column["wind_direction"], column["wind_speed"])
    upper = stacked(
        rows.assign(level=column["pressure"]),
        {
            "u_component_of_wind": u,
            "v_component_of_wind": v,
            "temperature": column["temperature"],
            "specific_humidity": specific_humidity(column["dewpoint"], column["pressure"]),
            "geopotential": geopotential,
        },
        "level",
    )
    # 008001 has 7 bits, the surface the second; 008042 has 18, the surface the first.
    bits = np.nan_to_num(column["significance"]).astype(np.int64)
    short = bits < 2 ** min(_SURFACE_BITS)
    surface = (bits & np.where(short, _SURFACE_BITS[7], _SURFACE_BITS[18])) > 0
    ground = rows[surface]
    return pd.concat(
        [
            upper,
            stacked(ground, {"surface_pressure": ground["pressure"].to_numpy()}, "surface"),
        ]
    )


def _station(rows: pd.DataFrame) -> pd.DataFrame:
    """Reports of surface stations and ships."""
    column = {name: rows[name].to_numpy(np.float64) for name in rows.select_dtypes("number")}
    u, v = wind_components(column["wind_direction"], column["wind_speed"])
    pressure = np.where(
        np.isnan(column["pressure"]), column["mean_sea_level_pressure"], column["pressure"]
    )
    return stacked(
        rows,
        {
            "surface_pressure": column["pressure"],
            "mean_sea_level_pressure": column["mean_sea_level_pressure"],
            "2m_temperature": column["temperature"],
            # 5 % of pressure, from sea level to 400 m, are 5 % of humidity: less than its error.
            "specific_humidity": specific_humidity(column["dewpoint"], pressure),
            "10m_u_component_of_wind": u,
            "10m_v_component_of_wind": v,
        },
        "surface",
    )


def _aircraft(rows: pd.DataFrame) -> pd.DataFrame:
    """Reports of aircraft; their height says the pressure, no elevation."""
    column = {name: rows[name].to_numpy(np.float64) for name in rows.select_dtypes("number")}
    standard = pressure_of_flight_level(column["height"])
    level = np.where(np.isnan(column["pressure"]), standard, column["pressure"])
    u, v = wind_components(column["wind_direction"], column["wind_speed"])
    values = {
        "u_component_of_wind": u,
        "v_component_of_wind": v,
        "temperature": column["temperature"],
    }
    if not np.all(np.isnan(column["dewpoint"])):  # few aircraft measure it
        values["specific_humidity"] = specific_humidity(column["dewpoint"], level)
    return stacked(rows.assign(level=level, elevation=np.nan), values, "level")


_CONVERTERS = {
    _SURFACE: _station,
    _SHIP: _station,
    _SOUNDING: _sounding,
    _AIRCRAFT: _aircraft,
}
