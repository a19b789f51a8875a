"""BUFR: radiosondes (TEMP), surface stations and ships (SYNOP), aircraft (AMDAR).

The framing of every message (WMO-No. 306, volume I.2, FM 94) is checked here, before eccodes sees
a byte; the data are decoded in a child process (see `decode_bufr`). Soundings give geopotential,
temperature, humidity and wind at their levels and the surface pressure where the level is marked
as the surface; a position is that of the launch. Surface reports give station and sea level
pressure, temperature and humidity at 2 m and wind at 10 m. Aircraft report heights of the standard
atmosphere, which become pressures. Messages of other categories are counted and told.
"""

import io
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from align_da.constants import GRAVITY
from align_da.errors import ConfigError, InputError
from data_pipelines.observations.conversions import (
    pressure_of_flight_level,
    specific_humidity,
    wind_components,
)
from data_pipelines.observations.stacking import stacked

_EDITIONS = (2, 3, 4)
_SURFACE, _SHIP, _SOUNDING, _AIRCRAFT = 0, 1, 2, 4  # BUFR table A
_TYPES = {_SURFACE: "synop", _SHIP: "ship", _SOUNDING: "radiosonde", _AIRCRAFT: "aircraft"}
_SURFACE_BITS = {7: 64, 18: 131072}  # bits of significance: of 008001 and of 008042
_SECONDS = 600  # enough for a million messages


def read_bufr(path: Path) -> pd.DataFrame:
    """The reports of a BUFR file.

    Raises:
        InputError: the file is no BUFR, is cut off or damaged, or holds no report that is read.
        ConfigError: eccodes is not installed.
    """
    _check_framing(path)
    rows = _decoded(path)
    known = rows["category"].isin(list(_TYPES))
    if not known.all():
        others = rows.loc[~known, "category"].value_counts().to_dict()
        message = (
            f"{path}: reports are not read, by category (-1: without our variables): {others}"
        )
        if not known.any():
            message += f": expected one of {', '.join(map(str, _TYPES))} (BUFR table A)"
            raise InputError(message)
        warnings.warn(message, stacklevel=2)
    rows = _placed(rows[known].reset_index(drop=True), path)
    parts = [
        convert(group.reset_index(drop=True))
        for category, convert in _CONVERTERS.items()
        if len(group := rows[rows["category"] == category])
    ]
    return pd.concat(parts, ignore_index=True)


def _check_framing(path: Path) -> None:
    """Every message begins, ends and has an edition as it should.

    Raises:
        InputError: one does not; names its number and byte.
    """
    content = path.read_bytes()
    start = content.find(b"BUFR")
    if start < 0:
        message = f"{path}: expected BUFR messages, found none: another format, or an empty file?"
        raise InputError(message)
    number = 0
    while start >= 0:
        number += 1
        size = int.from_bytes(content[start + 4 : start + 7], "big")
        where = f"{path}: message {number} at byte {start}"
        if start + max(size, 8) > len(content):
            left = len(content) - start
            message = f"{where}: expected {size} bytes, got {left}: the file is cut off"
            raise InputError(message)
        if content[start + 7] not in _EDITIONS:
            message = f"{where}: expected edition 2, 3 or 4, got {content[start + 7]}"
            raise InputError(message)
        if content[start + size - 4 : start + size] != b"7777":
            message = f"{where}: expected 7777 at its end after {size} bytes: it is damaged"
            raise InputError(message)
        start = content.find(b"BUFR", start + size)


def _decoded(path: Path) -> pd.DataFrame:
    """A row a level of every message, as the child process gives it.

    Raises:
        InputError: a message cannot be decoded; names its number.
        ConfigError: eccodes is not installed.
    """
    program = Path(__file__).with_name("decode_bufr.py")
    command = [sys.executable, str(program), str(path)]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_SECONDS)  # noqa: S603 (our own program)
    except subprocess.TimeoutExpired as error:
        message = f"{path}: eccodes did not decode it within {_SECONDS} s: it is damaged"
        raise InputError(message) from error
    told = done.stderr.decode(errors="replace").splitlines()
    if done.returncode == 0:
        with np.load(io.BytesIO(done.stdout), allow_pickle=False) as columns:
            return pd.DataFrame(dict(columns))
    if any("No module named 'eccodes'" in line for line in told):
        message = "reading BUFR needs eccodes: pip install 'align-da[observations]'"
        raise ConfigError(message)
    last = next((line for line in reversed(told) if line.startswith("message ")), "message 1")
    reason = f"signal {-done.returncode}" if done.returncode < 0 else told[-1]
    message = f"{path}: {last} cannot be decoded by eccodes ({reason}): it is damaged, remove it"
    raise InputError(message)


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
    place = rows["latitude"].round(2).astype(str) + "_" + rows["longitude"].round(2).astype(str)
    name = rows["station_id"].where(rows["station_id"] != "", "at_" + place)
    return rows.assign(time=time, type=kind, station_id=name)


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
