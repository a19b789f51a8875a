"""Pressure and geopotential of states that are read with xarray, and fields at given pressures.

    height = geopotential_of(states, run.surface_geopotential)
    z500 = at_pressure(height, pressure_of(states), (5.0e4,))

Between two levels a field is linear in the logarithm of pressure, beyond them it is not known. All
is lazy where the states are: a cycle is computed when it is loaded.
"""

from collections.abc import Hashable, Mapping, Sequence

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from align_da.atmosphere.dataset import (
    level_coordinate,
    variable_attributes,
    vertical_coordinate,
)
from align_da.atmosphere.geopotential import (
    geopotential_on_sigma_levels,
    moist_virtual_temperature,
)
from align_da.atmosphere.grid import VerticalCoordinate
from align_da.errors import InputError

_PRESSURE = {"standard_name": "air_pressure", "long_name": "pressure", "units": "Pa"}
_COLUMNS = ("latitude", "longitude", "level")


def pressure_of(states: xr.Dataset) -> xr.DataArray:
    """Pressure of the levels of states, Pa.

    Args:
        states: as `open_cycles` gives them, and no increments.

    Raises:
        InputError: they are on other levels than of pressure, or of sigma with a surface pressure.
    """
    vertical = _vertical_of(states)
    if vertical.kind == "pressure":
        axis = level_coordinate(vertical)
        return xr.DataArray(
            axis.values, {"level": states["level"]}, ("level",), "pressure", _PRESSURE
        )
    if vertical.kind != "sigma" or "surface_pressure" not in states:
        message = _not_expected("levels of pressure, or of sigma and surface_pressure", states)
        raise InputError(message)
    pressure = states["level"] * states["surface_pressure"]
    ordered = pressure.transpose(..., "level", "latitude", "longitude")
    return _described(ordered, "pressure", _PRESSURE)


def geopotential_of(
    states: xr.Dataset, surface_geopotential: Float[Array, "lat lon"] | np.ndarray
) -> xr.DataArray:
    """Geopotential on the levels of states, m2 s-2, see `align_da.atmosphere.geopotential`.

    Args:
        states: as `open_cycles` gives them, and no increments.
        surface_geopotential: m2 s-2, of the grid of the states (`run.surface_geopotential`); used
            on sigma levels only.

    Raises:
        InputError: the states hold neither geopotential nor a temperature on sigma levels, or the
            surface has another shape.
    """
    if "geopotential" in states:
        return states["geopotential"]
    vertical = _vertical_of(states)
    if vertical.kind != "sigma" or "temperature" not in states:
        message = _not_expected("geopotential, or temperature on sigma levels", states)
        raise InputError(message)
    shape = (states.sizes["latitude"], states.sizes["longitude"])
    if surface_geopotential.shape != shape:
        message = (
            f"expected the geopotential of a surface of {shape} points, got "
            f"{surface_geopotential.shape}: take that of the grid of the states"
        )
        raise InputError(message)
    surface = jnp.asarray(surface_geopotential, jnp.float32)

    def of_columns(temperature: np.ndarray, *humidity: np.ndarray) -> np.ndarray:
        virtual = jnp.asarray(temperature)
        for moisture in humidity:
            virtual = moist_virtual_temperature(virtual, jnp.asarray(moisture))
        return np.asarray(geopotential_on_sigma_levels(virtual, surface, vertical))

    names = [name for name in ("temperature", "specific_humidity") if name in states]
    found: xr.DataArray = xr.apply_ufunc(
        of_columns,
        *(states[name] for name in names),
        input_core_dims=[_COLUMNS] * len(names),
        output_core_dims=[_COLUMNS],
        dask="parallelized",
        output_dtypes=[np.float32],
    )
    ordered = found.transpose(*states["temperature"].dims)
    return _described(ordered, "geopotential", variable_attributes("geopotential"))


def at_pressure(
    field: xr.DataArray, pressure: xr.DataArray, levels: Sequence[float]
) -> xr.DataArray:
    """A field at given pressures, NaN above the top level and below the lowest one.

    Args:
        field: on two levels or more.
        pressure: of its levels, Pa, see `pressure_of`.
        levels: Pa, increasing.

    Raises:
        InputError: the pressures do not increase, or the field has a single level.
    """
    if field.sizes.get("level", 1) < 2:
        message = f"expected a field on two levels or more, got dimensions {dict(field.sizes)}"
        raise InputError(message)
    axis = level_coordinate(VerticalCoordinate("pressure", tuple(map(float, levels))))
    found: xr.DataArray = xr.apply_ufunc(
        _interpolated,
        field,
        pressure,
        kwargs={"levels": axis.values},
        input_core_dims=[("level",), ("level",)],
        output_core_dims=[("level",)],
        exclude_dims={"level"},
        dask="parallelized",
        dask_gufunc_kwargs={"output_sizes": {"level": axis.size}},
        output_dtypes=[field.dtype],
    )
    ordered = found.assign_coords(level=axis).transpose(*field.dims)
    return _described(ordered, field.name, field.attrs)


def _interpolated(
    field: Float[np.ndarray, "*batch level"],
    pressure: Float[np.ndarray, "*#batch level"],
    levels: Float[np.ndarray, " wanted"],
) -> Float[np.ndarray, "*batch wanted"]:
    """Fields at pressures; those of the columns increase downwards."""
    heights = np.broadcast_to(np.log(pressure), field.shape)
    found = np.full((*field.shape[:-1], levels.size), np.nan, field.dtype)
    for place, height in enumerate(np.log(levels)):
        lower = np.clip((heights < height).sum(axis=-1, keepdims=True), 1, field.shape[-1] - 1)
        above, below = (np.take_along_axis(heights, lower - up, -1)[..., 0] for up in (1, 0))
        upper, under = (np.take_along_axis(field, lower - up, -1)[..., 0] for up in (1, 0))
        share = (height - above) / (below - above)
        inside = (heights[..., 0] <= height) & (height <= heights[..., -1])
        found[..., place] = np.where(inside, upper + share * (under - upper), np.nan)
    return found


def _described(
    array: xr.DataArray, name: Hashable | None, attributes: Mapping[str, str]
) -> xr.DataArray:
    """The array under a name, with its own attributes alone."""
    described = array.drop_attrs(deep=False).assign_attrs(attributes)
    described.name = name
    return described


def _not_expected(expected: str, states: xr.Dataset) -> str:
    """What is told of states that have something else."""
    kind = _vertical_of(states).kind
    names = ", ".join(map(str, states.data_vars))
    return f"expected {expected}, got {names} on {kind} levels: take it from other states"


def _vertical_of(states: xr.Dataset) -> VerticalCoordinate:
    """The vertical coordinate of states, which still have one."""
    if "level" not in states.dims:
        message = (
            f"expected states with a dimension level, got dimensions {dict(states.sizes)}: choose "
            "levels of what is found"
        )
        raise InputError(message)
    return vertical_coordinate(states["level"])
