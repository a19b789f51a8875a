"""PREPBUFR: the observations of NCEP's analyses, with their quality marks.

The files carry their own tables as messages of category 11 in front of the data, which is how they
are told from other BUFR files. eccodes does not apply such tables; earth2bufr does, in a child
process (see `decode_prepbufr`). Report types below 200 are of mass (pressure, temperature,
humidity, height), those from 200 on of wind. A mark of the pressure is one of everything on its
level. Units: hPa, degrees Celsius, mg/kg, metres, hours since the cycle (NOAA-EMC/prepobs,
fix/prepobs_prep.bufrtable). Observation errors are those of our table: NCEP's are of virtual
temperature and relative humidity.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from align_da.constants import GRAVITY
from align_da.errors import InputError
from data_pipelines.observations.account import FileReports
from data_pipelines.observations.child import decoded_by
from data_pipelines.observations.conversions import real_temperature
from data_pipelines.observations.framing import (
    framed_messages,
    named,
    not_read,
    of_known_categories,
    tell_damaged,
    tell_mended,
)
from data_pipelines.observations.quality_marks import flags_of_marks
from data_pipelines.observations.stacking import stacked

_DICTIONARY = 11  # BUFR table A: tables
_CATEGORY = {3: 16, 4: 18}  # byte of the category in a message, by edition
_RADIOSONDE, _STATION, _SHIP = 102, 109, 110
_TYPES = {
    _RADIOSONDE: "radiosonde",
    103: "aircraft",
    104: "aircraft",
    105: "satellite_wind",
    106: "profiler",
    107: "profiler",
    _STATION: "synop",
    _SHIP: "ship",
}
_WIND = 200  # the first report type of wind
_AT_GROUND = 0  # category of a level
_SECONDS = 3600.0
_MARKS = {
    "surface_pressure": "PQM",
    "temperature": "TQM",
    "2m_temperature": "TQM",
    "specific_humidity": "QQM",
    "geopotential": "ZQM",
}


def holds_dictionary(path: Path) -> bool:
    """Whether the file begins with tables of its own."""
    content = path.read_bytes()
    start = content.find(b"BUFR")
    message = content[start : start + 20]
    if start < 0 or len(message) < 20:
        return False
    return message[_CATEGORY.get(message[7], 16)] == _DICTIONARY


def read_prepbufr(path: Path) -> FileReports:
    """The reports of a PREPBUFR file, suspect ones passive, rejected ones flagged bounds.

    Raises:
        InputError: it is none, is cut off or damaged, or holds no report that is read.
        ConfigError: earth2bufr is not installed.
    """
    messages, damaged = framed_messages(path)
    if not holds_dictionary(path):
        message = f"{path}: expected tables (category 11) in the first message: no PREPBUFR file"
        raise InputError(message)
    found, fatal = decoded_by("decode_prepbufr.py", "earth2bufr", path, messages)
    reasons = zip(found.pop("failed_message").tolist(), found.pop("failed_reason"), strict=True)
    lost = tell_damaged(path, messages, damaged, dict(reasons) | fatal, "earth2bufr")
    tell_mended(found.pop("mended").tolist(), path)
    lost |= not_read(found.pop("unused_name"), found.pop("unused_count"))
    rows = pd.DataFrame(found)
    known, left_out = of_known_categories(rows, _TYPES, path)
    left_out |= lost
    rows = _placed(known)
    at_surface = rows["category"].isin([_STATION, _SHIP])
    wind = rows["TYP"] >= _WIND
    parts = [
        convert(group.reset_index(drop=True))
        for convert, chosen in (
            (_upper_mass, ~at_surface & ~wind),
            (_upper_wind, ~at_surface & wind),
            (_surface_mass, at_surface & ~wind),
            (_surface_wind, at_surface & wind),
        )
        if len(group := rows[chosen])
    ]
    table = pd.concat(parts, ignore_index=True)
    return FileReports(table, len(table) + sum(left_out.values()), left_out)


def _placed(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with time, place, type and name; those of a level that drifted are its own."""
    hours = rows["HRDR"].fillna(rows["DHR"])
    seconds = (hours * _SECONDS).round()
    rows = rows.assign(
        time=rows["cycle"] + pd.to_timedelta(seconds, unit="s"),
        latitude=rows["YDR"].fillna(rows["YOB"]),
        longitude=rows["XDR"].fillna(rows["XOB"]),
        elevation=rows["ELV"],
        level=100.0 * rows["POB"],
        type=rows["category"].map(_TYPES),
    )
    return rows.assign(station_id=named(rows.assign(latitude=rows["YOB"], longitude=rows["XOB"])))


def _upper_mass(rows: pd.DataFrame) -> pd.DataFrame:
    """Temperature and humidity; heights and surface pressures of radiosondes."""
    upper = _flagged(
        rows,
        {"temperature": _temperature(rows), "specific_humidity": 1e-6 * rows["QOB"].to_numpy()},
        "level",
    )
    sounding = rows[rows["category"] == _RADIOSONDE]
    heights = _flagged(sounding, {"geopotential": GRAVITY * sounding["ZOB"].to_numpy()}, "level")
    ground = sounding[sounding["CAT"] == _AT_GROUND]
    pressure = _flagged(ground, {"surface_pressure": ground["level"].to_numpy()}, "surface")
    return pd.concat([upper, heights, pressure])


def _upper_wind(rows: pd.DataFrame) -> pd.DataFrame:
    """Wind on levels."""
    u, v = rows["UOB"].to_numpy(), rows["VOB"].to_numpy()
    return _flagged(rows, {"u_component_of_wind": u, "v_component_of_wind": v}, "level")


def _surface_mass(rows: pd.DataFrame) -> pd.DataFrame:
    """Pressure, temperature and humidity of stations, ships and buoys."""
    values = {
        "surface_pressure": rows["level"].to_numpy(),
        "2m_temperature": _temperature(rows),
        "specific_humidity": 1e-6 * rows["QOB"].to_numpy(),
    }
    return _flagged(rows, values, "surface")


def _surface_wind(rows: pd.DataFrame) -> pd.DataFrame:
    """Wind of stations, ships and buoys."""
    u, v = rows["UOB"].to_numpy(), rows["VOB"].to_numpy()
    return _flagged(rows, {"10m_u_component_of_wind": u, "10m_v_component_of_wind": v}, "surface")


def _temperature(rows: pd.DataFrame) -> np.ndarray:
    """Temperature, K, real where NCEP's program VIRTMP has made it virtual.

    What VIRTMP made of the temperature below it, T / T_v, holds for corrections above it too. A
    stack without that temperature is T = T_v / (1 + (1/ε - 1) q).
    """
    kelvin, virtual, sensible = (
        rows[name].to_numpy(np.float64) + 273.15 for name in ("TOB", "VIRTUAL", "SENSIBLE")
    )
    made = rows["MADE_VIRTUAL"].to_numpy() == 1
    below = np.where(np.isnan(virtual), sensible, kelvin * (sensible / virtual))
    of_humidity = real_temperature(kelvin, 1e-6 * rows["QOB"].to_numpy(np.float64))
    real = np.where(_without_humidity(rows), below, of_humidity)
    return np.asarray(np.where(made, real, kelvin))


def _without_humidity(rows: pd.DataFrame) -> np.ndarray:
    """Whether a temperature needs no humidity: it was real, or its real one is in the stack."""
    virtual = np.asarray(rows["MADE_VIRTUAL"].to_numpy() == 1)
    known: np.ndarray = ~virtual | np.asarray(rows["SENSIBLE"].notna())
    return known


def _flagged(rows: pd.DataFrame, values: dict[str, np.ndarray], vertical: str) -> pd.DataFrame:
    """Reports of every variable, flagged by the worst of its mark and those it depends on.

    It depends on that of its pressure, and on that of the humidity that made a temperature real.
    """
    reports = stacked(rows, values, vertical)
    mark = {name: rows[name].fillna(0.0).to_numpy() for name in ("PQM", *_MARKS.values(), "WQM")}
    mark["TQM"] = np.where(
        _without_humidity(rows), mark["TQM"], np.maximum(mark["TQM"], mark["QQM"])
    )
    marks = [np.maximum(mark["PQM"], mark[_MARKS.get(name, "WQM")]) for name in values]
    flags = flags_of_marks(np.concatenate(marks))
    return reports.assign(flag=np.where(reports["value"].isna(), "missing", flags))
