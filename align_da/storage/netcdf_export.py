"""Analyses as one CF netCDF file, for programs that read no zarr.

Members come first, then time, level, latitude and longitude, as CF recommends; names begin with a
letter; sigma levels carry the formula of their pressure (CF-1.11, sections 2.3, 2.4 and 4.3.3).
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from align_da.storage.analysis_store import open_cycles
from align_da.storage.durable import written_whole

_ORDER = ("realization", "time", "level", "latitude", "longitude")
_TOP = "pressure_at_top"
_FIELD = {"zlib": True, "complevel": 1, "_FillValue": np.float32(np.nan)}
_COORDINATE = {"_FillValue": None}  # they are always there

Temperatures = Literal["on_scale", "difference"]


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
    temperatures: Temperatures = "difference" if group == "increment" else "on_scale"
    dataset = cf_dataset(open_cycles(store, group), temperatures).assign_attrs(history=history)
    with written_whole(target) as unfinished:
        dataset.to_netcdf(unfinished, engine="netcdf4")
    return dataset.sizes["time"]


def cf_dataset(dataset: xr.Dataset, temperatures: Temperatures) -> xr.Dataset:
    """The dataset as CF recommends it: order of dimensions, names, units and formulas.

    Args:
        dataset: states; dimensions time, realization, level, latitude, longitude.
        temperatures: whether they are temperatures or differences of temperatures.
    """
    ordered = dataset.transpose(*_ORDER, missing_dims="ignore")
    names = {name: f"at_{name}" for name in map(str, ordered) if not name[0].isalpha()}
    named = ordered.rename_vars(names)
    for name in named.data_vars:
        named[name].encoding = dict(_FIELD)
        if named[name].attrs.get("units") == "K":
            named[name].attrs["units_metadata"] = f"temperature: {temperatures}"
    for name in named.coords:
        named[name].encoding = dict(_COORDINATE)
    named["time"].encoding |= {"units": "seconds since 1970-01-01", "calendar": "standard"}
    named["time"].attrs["units_metadata"] = "leap_seconds: none"
    return _with_pressure_of_sigma(named)


def _with_pressure_of_sigma(dataset: xr.Dataset) -> xr.Dataset:
    """Sigma levels with the formula of their pressure; other levels as they are."""
    about: dict[str, Any] = dataset["level"].attrs if "level" in dataset else {}
    if about.get("standard_name") != "atmosphere_sigma_coordinate":
        return dataset
    formula = {
        "formula_terms": f"sigma: level ps: surface_pressure ptop: {_TOP}",
        "computed_standard_name": "air_pressure",
    }
    top = {"units": "Pa", "long_name": "pressure at the top of the model"}
    dataset[_TOP] = xr.Variable((), np.float64(0.0), top, dict(_COORDINATE))
    return dataset.assign_coords(level=dataset["level"].assign_attrs(formula))
