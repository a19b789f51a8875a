"""GRIB files as one lazy dataset with the names of WeatherBench 2.

Read by cfgrib without its index files: those are pickles, and a pickle beside a file of data could
run code. The messages are indexed anew whenever files are opened: convert archives of many
gigabytes to zarr first.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import xarray as xr

from align_da.errors import ConfigError, InputError, StorageError
from data_pipelines.grib_messages import check_messages

SURFACE = "geopotential_at_surface"
ENDINGS = (".grib", ".grib1", ".grib2", ".grb", ".grb2")

# https://codes.ecmwf.int/grib/param-db
_KEYS: dict[str, dict[str, str]] = {
    "geopotential": {"shortName": "z", "typeOfLevel": "isobaricInhPa"},
    "specific_humidity": {"shortName": "q", "typeOfLevel": "isobaricInhPa"},
    "u_component_of_wind": {"shortName": "u", "typeOfLevel": "isobaricInhPa"},
    "v_component_of_wind": {"shortName": "v", "typeOfLevel": "isobaricInhPa"},
    "temperature": {"shortName": "t", "typeOfLevel": "isobaricInhPa"},
    "10m_u_component_of_wind": {"shortName": "10u"},
    "10m_v_component_of_wind": {"shortName": "10v"},
    "2m_temperature": {"shortName": "2t"},
    "mean_sea_level_pressure": {"shortName": "msl"},
    "surface_pressure": {"shortName": "sp"},
    SURFACE: {"shortName": "z", "typeOfLevel": "surface"},
}


def open_grib(files: Sequence[Path], names: Iterable[str]) -> xr.Dataset:
    """The analyses (step 0) in some files, lazily.

    Args:
        files: GRIB, edition 1 or 2; variables and times may be spread over them in any way.
        names: of WeatherBench 2; those that no file holds are left out.

    Returns:
        Dimensions time, level (hPa) on pressure levels, latitude, longitude, as in the files.

    Raises:
        ConfigError: cfgrib is not installed.
        StorageError: a file cannot be read as GRIB.
        InputError: variables have different times or grids, only forecasts are there, or the
            messages are refused by `check_messages`.
    """
    wanted = {name: _KEYS[name] for name in names if name in _KEYS}
    check_messages(files, wanted)
    found = {}
    for name in wanted:
        parts = [part for file in files for part in _fields(file, name)]
        if parts:
            series = _in_time(parts, name)
            # The ground stays where it is, and is often fetched once only.
            found[name] = series.isel(time=0, drop=True) if name == SURFACE else series
    try:
        return xr.merge(
            [array.rename(name) for name, array in found.items()],
            join="exact",
            compat="override",
            combine_attrs="drop",
        )
    except ValueError as error:
        message = f"the variables of the GRIB files differ in times, levels or grid: {error}"
        raise InputError(message) from error


def _fields(file: Path, name: str) -> list[xr.DataArray]:
    """The variable called `name` in one file, if it is there."""
    try:
        dataset = xr.open_dataset(
            file,
            engine="cfgrib",
            chunks={},  # lazily joined with those of other files
            backend_kwargs={"indexpath": "", "filter_by_keys": _KEYS[name]},
            decode_timedelta=True,
        )
    except ValueError as error:
        if "unrecognized engine" not in str(error):
            message = f"{file}: {name} cannot be read ({error})"
            raise StorageError(message) from error
        message = "GRIB files need a package that is missing: pip install 'align-da[era5]'"
        raise ConfigError(message) from error
    except (OSError, EOFError, KeyError, RuntimeError) as error:
        message = f"{file} cannot be read as GRIB ({error}): fetch it again"
        raise StorageError(message) from error
    return [_renamed(array, file) for array in dataset.data_vars.values()]


def _renamed(array: xr.DataArray, file: Path) -> xr.DataArray:
    """A field of cfgrib with the axes of WeatherBench 2, analyses only."""
    array = array.rename({"isobaricInhPa": "level"} if "isobaricInhPa" in array.coords else {})
    for name in ("time", *(("level",) if "level" in array.coords else ())):
        array = array if name in array.dims else array.expand_dims(name)
    if array.attrs.get("GRIB_iScansNegatively"):  # longitudes increase in any case
        array = array.copy(data=array.isel(longitude=slice(None, None, -1)).data)
    steps = array["step"].to_numpy().astype("timedelta64[s]").astype(int)
    if not (steps == 0).any():
        message = f"{file} holds forecasts {steps / 3600} h long: expected analyses (step 0)"
        raise InputError(message)
    if "step" in array.dims:
        array = array.isel(step=int((steps == 0).argmax()))
    if "level" in array.coords:
        array = array.assign_coords(level=array["level"].assign_attrs(units="hPa"))
    # Files may differ in the direction of their rows.
    return array.reset_coords(drop=True).sortby("latitude", ascending=False)


def _in_time(parts: Sequence[xr.DataArray], name: str) -> xr.DataArray:
    """The same variable of several files in the order of time."""
    try:
        joined = xr.concat(parts, dim="time", join="exact", coords="minimal", compat="override")
    except ValueError as error:
        message = f"{name}: the GRIB files differ in levels or grid: {error}"
        raise InputError(message) from error
    return joined.sortby("time")
