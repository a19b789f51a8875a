"""Analyses as one CF netCDF file, for programs that read no zarr.

Members come first, then time, level, latitude and longitude, as CF recommends; names begin with a
letter; sigma levels carry the formula of their pressure (CF-1.11, sections 2.3, 2.4 and 4.3.3).
Increments have no standard name, and neither have their sigma levels, which CF would then have the
formula of: there is no surface pressure in the file, but an increment of it.
"""

from pathlib import Path

import numpy as np
import xarray as xr

from align_da.atmosphere.dataset import increment_attributes, with_pressure_of_sigma
from align_da.storage.durable import written_whole
from align_da.storage.stored_cycles import open_cycles

_ORDER = ("realization", "time", "level", "latitude", "longitude")
_FIELD = {"zlib": True, "complevel": 1, "_FillValue": np.float32(np.nan)}
_COORDINATE = {"_FillValue": None}  # they are always there


def export_netcdf(store: Path, group: str, target: Path, history: str) -> int:
    """Write the complete cycles of a store.

    Args:
        store: of a cycling run.
        group: "analysis", "background" or "increment".
        target: the file; replaced if it exists.
        history: one line for the file: when it was made and how.

    Returns:
        The number of cycles.

    Raises:
        StorageError: the store is damaged, or the file cannot be written.
    """
    states = open_cycles(store, group)
    dataset = cf_dataset(states, increments=group == "increment").assign_attrs(history=history)
    with written_whole(target) as unfinished:
        dataset.to_netcdf(unfinished, engine="netcdf4")
    return dataset.sizes["time"]


def cf_dataset(dataset: xr.Dataset, *, increments: bool) -> xr.Dataset:
    """The dataset as CF recommends it: order of dimensions, names, units and formulas.

    Args:
        dataset: states; dimensions time, realization, level, latitude, longitude.
        increments: whether they are increments of states.
    """
    described = _increments(dataset) if increments else with_pressure_of_sigma(dataset)
    ordered = described.transpose(*_ORDER, missing_dims="ignore")
    names = {name: f"at_{name}" for name in map(str, ordered) if not name[0].isalpha()}
    named = ordered.rename_vars(names)
    for name in named.data_vars:
        named[name].encoding = dict(_FIELD if named[name].ndim else _COORDINATE)
        if named[name].attrs.get("units") == "K" and not increments:
            named[name].attrs["units_metadata"] = "temperature: on_scale"
    for name in named.coords:
        named[name].encoding = dict(_COORDINATE)
    named["time"].encoding |= {"units": "seconds since 1970-01-01", "calendar": "standard"}
    named["time"].attrs["units_metadata"] = "leap_seconds: none"
    return named


def _increments(dataset: xr.Dataset) -> xr.Dataset:
    """Increments described as such: earlier versions stored them with the names of states."""
    named = dataset.copy()
    for name in named.data_vars:
        named[name].attrs = increment_attributes(str(name))
    level = named["level"].attrs
    if level.get("standard_name") == "atmosphere_sigma_coordinate":
        del level["standard_name"]
    return named
