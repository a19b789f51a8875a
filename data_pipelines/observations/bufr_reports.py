"""From the rows of BUFR messages to reports.

Soundings give geopotential, temperature, humidity and wind at their levels and the surface
pressure where the level is marked as the surface; a position is that of the launch. Surface
reports give station and sea level pressure, temperature and humidity at 2 m and wind at 10 m; a
pressure has the height of its barometer, not of the ground. Aircraft report heights of the
standard atmosphere, which become pressures.
"""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float

from align_da.constants import GRAVITY
from align_da.errors import InputError
from data_pipelines.observations.bufr_rows import LEVELS, PERIOD, PLACE, TIME, VALUES
from data_pipelines.observations.conversions import (
    pressure_of_flight_level,
    specific_humidity,
    wind_components,
)
from data_pipelines.observations.framing import named
from data_pipelines.observations.stacking import stacked

SURFACE, SHIP, _SOUNDING, _AIRCRAFT = 0, 1, 2, 4  # BUFR table A
TYPES = {SURFACE: "synop", SHIP: "ship", _SOUNDING: "radiosonde", _AIRCRAFT: "aircraft"}
"""Types of reports by category."""
_SURFACE_BITS = {  # bits of significance that mark the surface
    "verticalSoundingSignificance": 64,
    "extendedVerticalSoundingSignificance": 131072,
}
_GROUND = ("heightOfStationGroundAboveMeanSeaLevel", "heightOfStation")
_BAROMETER = "heightOfBarometerAboveMeanSeaLevel"
_WMO = ("blockNumber", "stationNumber")
NUMBERS = (*PLACE, *TIME, PERIOD, *_WMO, *_GROUND, _BAROMETER, *sorted(LEVELS | VALUES))
"""Columns of rows, all of them numbers."""
_HALF_A_DAY = pd.Timedelta(12, "h")


def reports_of_rows(rows: pd.DataFrame, path: Path) -> tuple[pd.DataFrame, dict[str, int]]:
    """The reports of rows, and the number of those left out by reason.

    Args:
        rows: the columns `NUMBERS`, subset, category and station_id.
        path: the file, for messages.

    Raises:
        InputError: no row says when it was observed, or none at which pressure.
    """
    rows = _with_pressures(_placed(rows, path))
    left = rows["only_height"].notna() & rows["level"].isna()
    told: dict[str, int] = {}
    if left.any():
        count = int(_sounding(rows[left].reset_index(drop=True))["value"].notna().sum())
        told = {"height without a pressure": count}
        message = (
            f"{path}: {int(left.sum())} levels of soundings have a height and no pressure, nor do "
            "they lie between two pressures of their sounding: they are left out"
        )
        if left.all():
            raise InputError(message)
        warnings.warn(message, stacklevel=3)
    kept = rows[~left]
    parts = [
        convert(group.reset_index(drop=True))
        for category, convert in _CONVERTERS.items()
        if len(group := kept[kept["category"] == category])
    ]
    return pd.concat(parts, ignore_index=True), told


def _placed(rows: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Rows with a time, a type, the name of the station and the elevation of its ground.

    Raises:
        InputError: none says when it was observed.
    """
    parts = {
        name: rows[name].fillna(0 if name in {"minute", "second"} else np.nan) for name in TIME
    }
    time = pd.to_datetime(pd.DataFrame(parts), errors="coerce")
    if time.isna().all():
        message = f"{path}: expected year, month, day and hour in the messages, found no time"
        raise InputError(message)
    station = rows["category"].isin([SURFACE, SHIP])
    moved = pd.to_timedelta(rows[PERIOD].where(station).fillna(0.0), unit="s")
    block, number = (rows[name].fillna(-1).astype(int) for name in _WMO)
    wmo = block.map("{:02d}".format) + number.map("{:03d}".format)
    names = rows["station_id"].mask((block >= 0) & (number >= 0), wmo)
    return rows.assign(
        time=_past_midnight(time, rows["subset"]) + moved,
        type=rows["category"].map(TYPES),
        station_id=named(rows.assign(station_id=names)),
        elevation=_first(rows, *_GROUND, _BAROMETER),
    )


def _past_midnight(time: pd.Series, subset: pd.Series) -> pd.Series:
    """Times a day later behind one that goes back by more than half a day: no date was given."""
    back = (time.diff() < -_HALF_A_DAY) & (subset.diff() == 0)
    return time + pd.to_timedelta(back.astype(int).groupby(subset).cumsum(), unit="D")


def _with_pressures(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with `level`, Pa, and with `only_height`, m, where a sounding gives no pressure.

    A height between two pressures of its sounding has a pressure: ln p is linear between them.
    """
    sounding = rows["category"] == _SOUNDING
    level, height = rows["pressure"].to_numpy(np.float64).copy(), _heights(rows)
    lacking = sounding.to_numpy() & np.isnan(level) & np.isfinite(height)
    for subset in rows.loc[lacking, "subset"].unique():
        its = (rows["subset"] == subset).to_numpy()
        known = its & np.isfinite(level) & np.isfinite(height) & (level > 0) & ~lacking
        order = np.flatnonzero(known)[np.argsort(height[known])]
        if order.size > 1:
            here = its & lacking
            found = np.interp(
                height[here], height[order], np.log(level[order]), left=np.nan, right=np.nan
            )
            level[here] = np.exp(found)
    return rows.assign(level=level, only_height=np.where(lacking, height, np.nan))


def _heights(rows: pd.DataFrame) -> Float[np.ndarray, " row"]:
    """Geopotential heights of levels, m."""
    geopotential = _first(rows, "nonCoordinateGeopotential", "geopotential") / GRAVITY
    height = _first(rows, "nonCoordinateGeopotentialHeight", "geopotentialHeight", "height")
    return np.where(np.isnan(geopotential), height, geopotential)


def _first(rows: pd.DataFrame, *names: str) -> Float[np.ndarray, " row"]:
    """The first known value of several columns in every row."""
    found: np.ndarray = rows[list(names)].bfill(axis=1).iloc[:, 0].to_numpy(np.float64)
    return found


def _wind(rows: pd.DataFrame) -> tuple[Float[np.ndarray, " row"], Float[np.ndarray, " row"]]:
    """Eastward and northward wind, m s-1."""
    direction = _first(rows, "windDirectionAt10M", "windDirection")
    return wind_components(direction, _first(rows, "windSpeedAt10M", "windSpeed"))


def _sounding(rows: pd.DataFrame) -> pd.DataFrame:
    """Reports of radiosondes."""
    u, v = _wind(rows)
    height = rows["nonCoordinateGeopotentialHeight"] * GRAVITY
    geopotential = rows["nonCoordinateGeopotential"].fillna(height)
    upper = stacked(
        rows,
        {
            "u_component_of_wind": u,
            "v_component_of_wind": v,
            "temperature": rows["airTemperature"].to_numpy(),
            "specific_humidity": specific_humidity(
                rows["dewpointTemperature"].to_numpy(), rows["level"].to_numpy()
            ),
            # What gave a level its pressure is no observation of its height.
            "geopotential": geopotential.where(rows["only_height"].isna()).to_numpy(),
        },
        "level",
    )
    surface = np.any(
        [rows[name].fillna(0).astype(int) & bit > 0 for name, bit in _SURFACE_BITS.items()], axis=0
    )
    ground = rows[surface & rows["only_height"].isna()]
    elevation = (geopotential / GRAVITY).fillna(rows[_BAROMETER]).fillna(rows["elevation"])
    at = ground.assign(elevation=elevation[ground.index])
    values = {"surface_pressure": ground["level"].to_numpy()}
    return pd.concat([upper, stacked(at, values, "surface")])


def _station(rows: pd.DataFrame) -> pd.DataFrame:
    """Reports of surface stations and ships."""
    u, v = _wind(rows)
    pressure = rows["nonCoordinatePressure"]
    at_sea_level = rows["pressureReducedToMeanSeaLevel"]
    dewpoint = _first(rows, "dewpointTemperatureAt2M", "dewpointTemperature")
    values = {
        "mean_sea_level_pressure": at_sea_level.to_numpy(),
        "2m_temperature": _first(rows, "airTemperatureAt2M", "airTemperature"),
        # 5 % of pressure, from sea level to 400 m, are 5 % of humidity: less than its error.
        "specific_humidity": specific_humidity(dewpoint, pressure.fillna(at_sea_level).to_numpy()),
        "10m_u_component_of_wind": u,
        "10m_v_component_of_wind": v,
    }
    barometer = rows.assign(elevation=_first(rows, _BAROMETER, "elevation"))
    return pd.concat(
        [
            stacked(barometer, {"surface_pressure": pressure.to_numpy()}, "surface"),
            stacked(rows, values, "surface"),
        ]
    )


def _aircraft(rows: pd.DataFrame) -> pd.DataFrame:
    """Reports of aircraft; their height says the pressure, no elevation."""
    standard = pressure_of_flight_level(
        _first(rows, "flightLevel", "indicatedAircraftAltitude", "height")
    )
    given = _first(rows, "nonCoordinatePressure", "pressure")
    level = np.where(np.isnan(given), standard, given)
    u, v = _wind(rows)
    values = {
        "u_component_of_wind": u,
        "v_component_of_wind": v,
        "temperature": rows["airTemperature"].to_numpy(),
    }
    if rows["dewpointTemperature"].notna().any():  # few aircraft measure it
        values["specific_humidity"] = specific_humidity(
            rows["dewpointTemperature"].to_numpy(), level
        )
    return stacked(rows.assign(level=level, elevation=np.nan), values, "level")


_CONVERTERS = {SURFACE: _station, SHIP: _station, _SOUNDING: _sounding, _AIRCRAFT: _aircraft}
