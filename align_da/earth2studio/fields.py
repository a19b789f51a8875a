"""States to and from the data arrays of earth2studio.

Dimensions are ([ensemble,] time, [lead_time,] variable, lat, lon) with one time, as its data
sources and models give them; latitudes run from north to south there, in either direction here.
"""

from collections import OrderedDict
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from align_da.atmosphere import Layout, State
from align_da.atmosphere.dataset import level_coordinate, state_from_dataset
from align_da.atmosphere.times import in_nanoseconds
from align_da.earth2studio.variables import channel_names
from align_da.errors import InputError

_SPACE = ("variable", "lat", "lon")
_SINGLE = ("time", "lead_time")
Coordinates = OrderedDict[str, np.ndarray]
"""Name and values of every axis in order: a CoordSystem of earth2studio."""


def space_coordinates(layout: Layout) -> Coordinates:
    """Variables, and the grid from north to south."""
    return OrderedDict(
        variable=np.asarray(channel_names(layout)),
        lat=np.asarray(layout.grid.latitude[::-1]),
        lon=np.asarray(layout.grid.longitude),
    )


def states_of(array: Any, layout: Layout) -> tuple[State, np.datetime64]:  # noqa: ANN401
    """The states in a data array, and their valid time.

    Args:
        array: a DataArray, in SI units; variables and dimensions in any order.
        layout: layout of the result.

    Returns:
        Values [member, lat, lon, channel], float32, one member where there is no ensemble; the
        valid time is time + lead_time.

    Raises:
        InputError: it is no such array, holds other variables, another grid or more than one
            time, or a value is not finite.
    """
    _check_dimensions(array)
    time = _valid_time(array)
    _check_variables(array, layout)
    one = array.isel({name: 0 for name in _SINGLE if name in array.dims}, drop=True)
    if "ensemble" not in one.dims:
        one = one.expand_dims("ensemble")
    state = state_from_dataset(_as_dataset(one.transpose("ensemble", *_SPACE), layout), layout)
    return state, time


def array_of(state: State, time: np.datetime64, **attributes: object) -> xr.DataArray:
    """A data array (ensemble, time, variable, lat, lon) of float32, north first.

    Args:
        state: values [member, lat, lon, channel].
        time: valid time.
        **attributes: of the array.
    """
    members = np.arange(state.values.shape[0])
    north_first = np.moveaxis(np.asarray(state.values), -1, 1)[:, None, :, ::-1]
    values = np.array(north_first, order="C")  # torch takes no array that runs backwards
    coordinates: dict[str, np.ndarray] = {"ensemble": members, "time": np.asarray([time])}
    coordinates |= space_coordinates(state.layout)
    return xr.DataArray(values, coordinates, tuple(coordinates), attrs=attributes)


def _check_dimensions(array: Any) -> None:  # noqa: ANN401
    if not isinstance(array, xr.DataArray):
        message = f"expected states in a DataArray of xarray, got {type(array).__name__}"
        raise InputError(message)
    found = {str(name) for name in array.dims}
    wanted, optional = {"time", *_SPACE}, {"ensemble", "lead_time"}
    if not wanted <= found <= wanted | optional:
        message = (
            "expected states with the dimensions time, variable, lat, lon (and ensemble, "
            f"lead_time), got {array.dims}"
        )
        raise InputError(message)
    bare = sorted(name for name in (wanted | optional - {"ensemble"}) & found - set(array.coords))
    if bare:
        message = f"expected coordinates along every dimension, got none for {', '.join(bare)}"
        raise InputError(message)


def _valid_time(array: xr.DataArray) -> np.datetime64:
    """Time + lead time."""
    sizes = {name: array.sizes[name] for name in _SINGLE if name in array.dims}
    if set(sizes.values()) != {1}:
        message = f"expected states of one time, got {sizes}: give one after another, as with isel"
        raise InputError(message)
    time = array["time"].to_numpy()
    lead = array["lead_time"].to_numpy() if "lead_time" in sizes else np.zeros(1, "timedelta64[h]")
    if (time.dtype.kind, lead.dtype.kind) != ("M", "m"):
        message = f"expected datetime64 as time and timedelta64 as lead_time, got {time}, {lead}"
        raise InputError(message)
    valid: np.datetime64 = in_nanoseconds(time + lead)[0]
    return valid


def _check_variables(array: xr.DataArray, layout: Layout) -> None:
    found, wanted = [str(name) for name in array["variable"].to_numpy()], channel_names(layout)
    missing = [name for name in wanted if name not in found]
    strange = [name for name in found if name not in wanted]
    if missing or strange or len(found) != len(wanted):
        message = (
            f"expected each of the variables {', '.join(wanted)} once; missing: "
            f"{', '.join(missing) or 'none'}; unknown: {', '.join(strange) or 'none'}: choose "
            "those of init_coords()"
        )
        raise InputError(message)


def _as_dataset(array: xr.DataArray, layout: Layout) -> xr.Dataset:
    """The array with the names of WeatherBench 2, dimensions as there."""
    place = {str(name): index for index, name in enumerate(array["variable"].to_numpy())}
    values = np.asarray(array.to_numpy())[:, [place[name] for name in channel_names(layout)]]
    return xr.Dataset(
        {name: _variable(values, name, layout) for name in layout.variables},
        coords={
            "level": level_coordinate(layout.grid.vertical),
            "latitude": array["lat"].to_numpy(),
            "longitude": array["lon"].to_numpy(),
        },
    )


def _variable(
    values: Float[np.ndarray, "member channel lat lon"], name: str, layout: Layout
) -> xr.Variable:
    channels = layout.channels_of(name)
    horizontal = ("latitude", "longitude")
    if layout.channels[channels.start].level is None:
        return xr.Variable(("realization", *horizontal), values[:, channels.start])
    return xr.Variable(("realization", "level", *horizontal), values[:, channels])
