"""IODA v3 files: netCDF-4 with the groups MetaData, ObsValue, ObsError and PreQC.

Groups, names and units follow JEDI's convention tables
(https://github.com/JCSDA-internal/ioda, ObsConventions; dateTime is "seconds since ..."). A
location is a place and a time; each variable has a value at every location or the fill value.
Quality marks of PreQC are those of NCEP's PREPBUFR.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pandas as pd

from align_da.atmosphere import VARIABLES
from align_da.atmosphere.units import to_si
from align_da.constants import GRAVITY
from align_da.errors import InputError
from align_da.observations.batch import Flag
from align_da.observations.reports import REPORT_COLUMNS
from align_da.storage.netcdf_file import new_netcdf
from data_pipelines.observations.account import FileReports
from data_pipelines.observations.quality_marks import flags_of_marks

ON_LEVELS = {
    "windEastward": "u_component_of_wind",
    "windNorthward": "v_component_of_wind",
    "airTemperature": "temperature",
    "specificHumidity": "specific_humidity",
    "geopotentialHeight": "geopotential",
}
AT_SURFACE = {
    "stationPressure": "surface_pressure",
    "pressureReducedToMeanSeaLevel": "mean_sea_level_pressure",
    "airTemperatureAt2M": "2m_temperature",
    "windEastwardAt10M": "10m_u_component_of_wind",
    "windNorthwardAt10M": "10m_v_component_of_wind",
    "specificHumidityAt2M": "specific_humidity",
    # Ours: the lowest level of the state as a surface station sees it.
    "airTemperatureAtSurface": "temperature",
    "windEastwardAtSurface": "u_component_of_wind",
    "windNorthwardAtSurface": "v_component_of_wind",
}
GROUPS = {"ObsValue": "value", "ObsError": "error"}
"""What is written of every report: column by group."""
_NAMES = ON_LEVELS | AT_SURFACE
_LARGEST = 1e30
_FILL, _FILL_TIME, _NO_REPORT = 9.969209968386869e36, -(2**63) + 2, -(2**31) + 1


def read_ioda(path: Path) -> FileReports:
    """The reports of an IODA v3 file.

    Raises:
        InputError: it is no netCDF-4 file, a group or variable is missing, or units are unknown.
    """
    try:
        file = netCDF4.Dataset(path)
    except OSError as error:
        message = f"{path}: expected a netCDF-4 file in the IODA v3 layout: {error}"
        raise InputError(message) from error
    try:
        with file:
            table = _reports(file)
            return FileReports(table, len(table))
    except (InputError, RuntimeError, OSError, ValueError, OverflowError) as error:
        message = f"{path}: {error}"
        raise InputError(message) from error


def _reports(file: Any) -> pd.DataFrame:  # noqa: ANN401 (netCDF4 has no types)
    for group in ("MetaData", "ObsValue"):
        if group not in file.groups:
            found = ", ".join(file.groups) or "none"
            message = f"expected the group {group!r}, found {found}: not in the IODA v3 layout"
            raise InputError(message)
    values = file["ObsValue"].variables
    known = [name for name in values if name in _NAMES]
    if not known:
        message = f"expected ObsValue of {', '.join(_NAMES)}; found {', '.join(values) or 'none'}"
        raise InputError(message)
    places = _places(file["MetaData"])
    parts = [_of_variable(file, name, places) for name in known]
    return pd.concat(parts, ignore_index=True)[list(REPORT_COLUMNS)]


def _of_variable(file: Any, name: str, places: pd.DataFrame) -> pd.DataFrame:  # noqa: ANN401
    """Reports of one variable."""
    variable = VARIABLES[_NAMES[name]]
    factor = GRAVITY if name == "geopotentialHeight" else 1.0  # height in m
    value = _in_si(file["ObsValue"].variables[name], variable.name, factor)
    error, quality = np.full(len(places), np.nan), np.zeros(len(places))
    if "ObsError" in file.groups and name in file["ObsError"].variables:
        error = _in_si(file["ObsError"].variables[name], variable.name, factor, is_error=True)
    if "PreQC" in file.groups and name in file["PreQC"].variables:
        quality = np.nan_to_num(_numbers(file["PreQC"].variables[name]))
    for what, array in (("ObsValue", value), ("ObsError", error), ("PreQC", quality)):
        if array.shape != (len(places),):
            message = f"{what}/{name}: expected {len(places)} locations, got shape {array.shape}"
            raise InputError(message)
    part = places.assign(value=value, error=error, variable=variable.name)
    part = part.assign(flag=flags_of_marks(quality))
    if "EffectiveQC" in file.groups and name in file["EffectiveQC"].variables:
        part = _with_flags(part, _numbers(file["EffectiveQC"].variables[name]), name)
    if name in ON_LEVELS:
        return part.assign(vertical="level")
    return part.assign(vertical="surface", level=np.nan)


def _with_flags(part: pd.DataFrame, number: np.ndarray, name: str) -> pd.DataFrame:
    """Reports with their flags; a location that does not report the variable has none."""
    known = {int(flag): flag.name.lower() for flag in Flag}
    there = np.isfinite(number)
    strange = sorted(set(number[there].astype(int).tolist()) - set(known))
    if strange:
        message = f"EffectiveQC/{name}: expected the flags {list(known)}, got {strange}"
        raise InputError(message)
    flags = [known[int(flag)] for flag in number[there]]
    kept: pd.DataFrame = part[there].assign(flag=flags)
    return kept


def _places(group: Any) -> pd.DataFrame:  # noqa: ANN401
    """Place, time and station of every location.

    Raises:
        InputError: latitude, longitude or dateTime is missing, or without a unit of time.
    """
    given = group.variables
    for name in ("latitude", "longitude", "dateTime"):
        if name not in given:
            message = f"expected MetaData/{name}, found {', '.join(given) or 'none'}"
            raise InputError(message)
    latitude = _numbers(given["latitude"])
    nothing = np.full(latitude.size, np.nan)
    numbers = {name: _numbers(given[name]) if name in given else nothing for name in _METADATA}
    _check_pressure(given)
    columns = {column: numbers[name] for name, column in _METADATA.items()}
    wrong = {name: array.size for name, array in columns.items() if array.size != latitude.size}
    if wrong:
        message = f"expected {latitude.size} locations in MetaData, got {wrong}"
        raise InputError(message)
    return pd.DataFrame(
        {
            **columns,
            "time": _times(given["dateTime"]),
            "station_id": _texts(given, "stationIdentification", latitude.size),
            "type": _texts(given, "observationType", latitude.size),
        }
    )


_METADATA = {
    "latitude": "latitude",
    "longitude": "longitude",
    "pressure": "level",
    "stationElevation": "elevation",
}


_UNITS = {
    "latitude": "degrees_north",
    "longitude": "degrees_east",
    "pressure": "Pa",
    "stationElevation": "m",
}


def _check_pressure(given: Mapping[str, Any]) -> None:
    units = getattr(given.get("pressure"), "units", "Pa")
    if units != "Pa":
        message = f"MetaData/pressure: expected units of Pa, got {units!r}"
        raise InputError(message)


def _in_si(variable: Any, name: str, factor: float, *, is_error: bool = False) -> np.ndarray:  # noqa: ANN401
    """Values in the SI unit of the variable called `name`, NaN where there are none."""
    values = _numbers(variable)
    units = str(getattr(variable, "units", ""))
    if factor != 1.0:
        if units not in {"m", "gpm"}:
            message = f"{variable.name}: expected units of m, got {units!r}"
            raise InputError(message)
        return values * factor
    row = VARIABLES[name]
    zero = to_si(np.zeros(1), units, row) if is_error else np.zeros(1)
    return np.asarray(to_si(values, units, row) - zero)


def _numbers(variable: Any) -> np.ndarray:  # noqa: ANN401
    """Values as float64, NaN for the fill value."""
    if not np.issubdtype(variable.dtype, np.number):
        message = f"{variable.name}: expected numbers, got {variable.dtype}"
        raise InputError(message)
    values = np.ma.filled(np.ma.asarray(variable[:], dtype=np.float64), np.nan)
    return np.where(np.abs(values) < _LARGEST, values, np.nan)


def _times(variable: Any) -> np.ndarray:  # noqa: ANN401
    """Times of an integer variable "seconds since ..." of the Gregorian calendar."""
    units, calendar = getattr(variable, "units", ""), getattr(variable, "calendar", "gregorian")
    if not str(units).startswith("seconds since "):
        message = f"MetaData/dateTime: expected units 'seconds since ...', got {units!r}"
        raise InputError(message)
    if calendar not in {"gregorian", "standard", "proleptic_gregorian"}:
        message = f"MetaData/dateTime: expected the Gregorian calendar, got {calendar!r}"
        raise InputError(message)
    try:
        origin = np.datetime64(str(units).removeprefix("seconds since ").rstrip("Z").strip(), "s")
    except ValueError as error:
        message = f"MetaData/dateTime: expected a date after 'seconds since', got {units!r}"
        raise InputError(message) from error
    seconds = _numbers(variable)
    known = np.isfinite(seconds) & (np.abs(seconds) < 1e11)
    step = np.where(known, seconds, 0).astype("timedelta64[s]")
    return np.where(known, origin + step, np.datetime64("NaT")).astype("datetime64[s]")


def _texts(given: Mapping[str, Any], name: str, count: int) -> np.ndarray:
    """Texts of a variable, "unknown" where it is missing."""
    if name not in given:
        return np.full(count, "unknown", dtype=object)
    return np.asarray([str(text) for text in given[name][:]], dtype=object)


def write_ioda(path: Path, reports: pd.DataFrame, groups: Mapping[str, str] = GROUPS) -> None:
    """Write reports as an IODA v3 file; float32, as IODA has it.

    Reports that share place, time and station share a location. Flags go to EffectiveQC, by the
    numbers of UFO.

    Args:
        path: the file, replaced as a whole if it exists.
        reports: checked reports, and whatever columns `groups` names.
        groups: column by the name of its group.

    Raises:
        InputError: a variable has no name in IODA.
        StorageError: the file cannot be written.
    """
    names = _ioda_names(reports)
    location, places = _locations(reports, names)
    with new_netcdf(path) as file:
        file.createDimension("Location", len(places))
        file.setncatts({"_ioda_layout": "ObsGroup", "_ioda_layout_version": np.int32(3)})
        _write_places(file.createGroup("MetaData"), places)
        for group, column in groups.items():
            _write_values(file.createGroup(group), reports, column, names, location)
        _write_flags(file.createGroup("EffectiveQC"), reports, names, location)


def _ioda_names(reports: pd.DataFrame) -> np.ndarray:
    """The IODA name of every report."""
    kinds = {
        **{(name, "level"): ioda for ioda, name in ON_LEVELS.items()},
        **{(name, "surface"): ioda for ioda, name in AT_SURFACE.items()},
    }
    pairs = list(zip(reports["variable"], reports["vertical"], strict=True))
    strange = sorted({f"{variable} ({kind})" for variable, kind in set(pairs) - set(kinds)})
    if strange:
        message = f"expected variables with a name in IODA, got {', '.join(strange)}"
        raise InputError(message)
    return np.asarray([kinds[pair] for pair in pairs], dtype=object)


def _locations(reports: pd.DataFrame, names: np.ndarray) -> tuple[np.ndarray, pd.DataFrame]:
    """Number of the location of every report, and the locations.

    The second report of a variable at one place and time gets a location of its own.
    """
    shared = [*_METADATA.values(), "time", "station_id", "type"]
    keyed = reports[shared].assign(name=names)
    again = keyed.groupby([*shared, "name"], dropna=False).cumcount()
    grouped = keyed[shared].assign(again=again).groupby([*shared, "again"], dropna=False)
    places = keyed[shared].assign(location=grouped.ngroup().to_numpy())
    places = places.drop_duplicates("location").sort_values("location")
    return grouped.ngroup().to_numpy(), places


def _write_places(group: Any, places: pd.DataFrame) -> None:  # noqa: ANN401
    """The group MetaData."""
    for name, column in _METADATA.items():
        written = group.createVariable(name, "f4", ("Location",), fill_value=_FILL)
        written.units = _UNITS[name]
        written[:] = np.nan_to_num(places[column].to_numpy(np.float64), nan=_FILL)
    time = group.createVariable("dateTime", "i8", ("Location",), fill_value=_FILL_TIME)
    time.units = "seconds since 1970-01-01T00:00:00Z"
    seconds = places["time"].to_numpy("datetime64[s]")
    time[:] = np.where(np.isnat(seconds), _FILL_TIME, seconds.astype(np.int64))
    for name, column in (("stationIdentification", "station_id"), ("observationType", "type")):
        group.createVariable(name, str, ("Location",))[:] = places[column].to_numpy(object)


def _write_values(
    group: Any,  # noqa: ANN401
    reports: pd.DataFrame,
    column: str,
    names: np.ndarray,
    location: np.ndarray,
) -> None:
    """One group of numbers, a variable an IODA name."""
    count = int(location.max()) + 1
    for name in sorted(set(names)):
        place = names == name
        height = name == "geopotentialHeight"
        values = np.full(count, np.nan)
        values[location[place]] = reports[column].to_numpy(np.float64)[place]
        written = group.createVariable(name, "f4", ("Location",), fill_value=_FILL)
        written.units = "m" if height else VARIABLES[_NAMES[name]].units
        written[:] = np.nan_to_num(values / (GRAVITY if height else 1.0), nan=_FILL)


def _write_flags(
    group: Any,  # noqa: ANN401
    reports: pd.DataFrame,
    names: np.ndarray,
    location: np.ndarray,
) -> None:
    """The group EffectiveQC; what a location does not report is missing."""
    number = np.asarray([int(Flag[flag.upper()]) for flag in reports["flag"]])
    for name in sorted(set(names)):
        place = names == name
        flags = np.full(int(location.max()) + 1, _NO_REPORT)
        flags[location[place]] = number[place]
        written = group.createVariable(name, "i4", ("Location",), fill_value=_NO_REPORT)
        written[:] = flags
