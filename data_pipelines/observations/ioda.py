"""IODA v3 files: netCDF-4 with the groups MetaData, ObsValue and ObsError.

Groups, names and units follow JEDI's convention tables
(https://github.com/JCSDA-internal/ioda, ObsConventions; dateTime is "seconds since ..."). A
location is a place and a time; each variable has a value at every location or the fill value.
Groups that IODA has derived stand for those that were read; what others have decided about the
reports is a matter of `ioda_quality`. What is not read is named.
"""

import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pandas as pd

from align_da.atmosphere import VARIABLES
from align_da.constants import GRAVITY
from align_da.errors import InputError
from align_da.observations.batch import Flag
from align_da.observations.fill_values import without_fill
from align_da.observations.reports import REPORT_COLUMNS
from align_da.observations.stations import text_of
from align_da.storage.bounded_files import check_growth
from align_da.storage.netcdf_file import new_netcdf
from data_pipelines.observations.account import FileReports
from data_pipelines.observations.ioda_conversions import (
    CONVERTIBLE,
    DIRECTION,
    Column,
    column_in_si,
    with_converted,
)
from data_pipelines.observations.ioda_quality import check_verdicts, flags_of_variable
from data_pipelines.observations.ioda_variables import numbers_of_variable, variables_of

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
_READ = {
    name for group in ("MetaData", "ObsValue", "ObsError") for name in (group, f"Derived{group}")
}
_EQUIVALENTS = ("hofx", "ombg", "oman", "GsiHofX")  # groups of what a model saw
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
            check_growth(path.stat().st_size, _bytes_claimed(file))
            return _reports(file)
    except (InputError, RuntimeError, OSError, ValueError, OverflowError) as error:
        message = f"{path}: {error}"
        raise InputError(message) from error


def _bytes_claimed(group: Any) -> int:  # noqa: ANN401 (netCDF4 has no types)
    """Bytes that the largest variable of a group, or below it, would take; text has any length."""
    own: list[int] = [
        math.prod(variable.shape) * np.dtype(variable.dtype).itemsize
        for variable in group.variables.values()
    ]
    below: list[int] = [_bytes_claimed(one) for one in group.groups.values()]
    return max([0, *own, *below])


def _reports(file: Any) -> FileReports:  # noqa: ANN401 (netCDF4 has no types)
    for group in ("MetaData", "ObsValue"):
        if group not in file.groups:
            found = ", ".join(file.groups) or "none"
            message = f"expected the group {group!r}, found {found}: not in the IODA v3 layout"
            raise InputError(message)
    given = variables_of(file, "ObsValue")
    if not set(given) & {*_NAMES, *CONVERTIBLE}:
        message = f"expected ObsValue of {', '.join(_NAMES)}; found {', '.join(given) or 'none'}"
        raise InputError(message)
    _tell_groups(file)
    places = _places(variables_of(file, "MetaData"))
    columns, reasons = with_converted(
        _columns(file, given, len(places)), places["level"].to_numpy()
    )
    reasons |= {name: "not known" for name in given if name not in {*_NAMES, *CONVERTIBLE}}
    _tell_variables(reasons)
    parts = {name: _of_variable(name, column, places) for name, column in columns.items()}
    left_out = {name: len(places) for name in _not_read(given, columns, reasons)}
    for name, part in parts.items():
        left_out[f"{name} not reported"] = len(places) - len(part)
    table = pd.concat(list(parts.values()), ignore_index=True)[list(REPORT_COLUMNS)]
    return FileReports(table, len(places) * len(given), left_out)


def _not_read(
    given: Mapping[str, Any], columns: Mapping[str, Column], reasons: Mapping[str, str]
) -> list[str]:
    """The variables of the file that are not in the table, as such or converted."""
    converted = [name for name in given if name in CONVERTIBLE and name not in reasons]
    made = len([name for name in columns if name not in given])  # of as many of those
    others = [name for name in given if name not in columns and name not in converted]
    return [*others, *converted[made:]]


def _tell_groups(file: Any) -> None:  # noqa: ANN401
    """Warn of groups that are not read.

    Raises:
        InputError: a group says what was decided about the reports, and is not understood.
    """
    known = {*_READ, *check_verdicts(file.groups)}
    others = [
        name for name in file.groups if name not in known and not name.startswith(_EQUIVALENTS)
    ]
    if others:
        message = f"groups that are not read: {', '.join(others)}"
        warnings.warn(message, stacklevel=2)


def _tell_variables(reasons: Mapping[str, str]) -> None:
    """Warn of variables that are not read."""
    if reasons:
        told = ", ".join(f"{name} ({reason})" for name, reason in reasons.items())
        warnings.warn(f"variables that are not read: {told}", stacklevel=2)


def _columns(file: Any, given: Mapping[str, Any], count: int) -> dict[str, Column]:  # noqa: ANN401
    """Every variable that is read, SI units."""
    errors = variables_of(file, "ObsError")
    columns = {}
    for name, kind in (_NAMES | CONVERTIBLE).items():
        if name not in given:
            continue
        error = np.full(count, np.nan)
        if name in errors and kind != DIRECTION:
            error = column_in_si(errors[name], kind, count, is_error=True)
        flag, there = flags_of_variable(file, name, count)
        value = column_in_si(given[name], kind, count)
        columns[name] = Column(value, error, flag, there | np.isfinite(value))
    return columns


def _of_variable(name: str, column: Column, places: pd.DataFrame) -> pd.DataFrame:
    """Reports of one variable, of the locations that report it."""
    part = places.assign(
        value=column.value, error=column.error, flag=column.flag, variable=_NAMES[name]
    )
    part = part[column.there]
    if name in ON_LEVELS:
        return part.assign(vertical="level")
    return part.assign(vertical="surface", level=np.nan)


def _places(given: Mapping[str, Any]) -> pd.DataFrame:
    """Place, time and station of every location.

    Raises:
        InputError: latitude, longitude or dateTime is missing, or without a unit of time.
    """
    for name in ("latitude", "longitude", "dateTime"):
        if name not in given:
            message = f"expected MetaData/{name}, found {', '.join(given) or 'none'}"
            raise InputError(message)
    latitude = numbers_of_variable(given["latitude"])
    nothing = np.full(latitude.size, np.nan)
    numbers = {
        name: numbers_of_variable(given[name]) if name in given else nothing for name in _METADATA
    }
    _check_pressure(given)
    columns = {column: numbers[name] for name, column in _METADATA.items()}
    wrong = {name: array.size for name, array in columns.items() if array.size != latitude.size}
    if wrong:
        message = f"expected {latitude.size} locations in MetaData, got {wrong}"
        raise InputError(message)
    kind = _texts(given, "observationType", latitude.size)
    return pd.DataFrame(
        {
            **columns,
            "time": _times(given["dateTime"]),
            "station_id": _texts(given, "stationIdentification", latitude.size),
            "type": np.where(kind == "", "unknown", kind),
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
    seconds = without_fill(numbers_of_variable(variable))  # the origin may be a cycle
    known = np.isfinite(seconds) & (np.abs(seconds) < 1e11)
    step = np.where(known, seconds, 0).astype("timedelta64[s]")
    return np.where(known, origin + step, np.datetime64("NaT", "s")).astype("datetime64[s]")


def _texts(given: Mapping[str, Any], name: str, count: int) -> np.ndarray:
    """Texts of a variable: strings, characters of fixed length or numbers; empty if missing."""
    if name not in given:
        return np.full(count, "", dtype=object)
    values = np.ma.filled(given[name][:])
    if values.ndim == 2:  # a character each: netCDF of before there were strings
        values = np.ascontiguousarray(values, "S1").view(f"S{values.shape[1]}").ravel()
    return np.asarray([text_of(entry) for entry in values.tolist()], dtype=object)


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
