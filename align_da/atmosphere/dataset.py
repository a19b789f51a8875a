"""States to and from xarray datasets with WeatherBench 2 names and CF attributes.

On disk a variable has dimensions (..., level, latitude, longitude), a surface variable no level;
leading dimensions are time, realization, prediction_timedelta and the like. In memory the state
is south to north, 0..360 degrees, top level first, in SI units: what comes in another order or
unit is brought to that here, what cannot be is refused. Coordinates are compared, never joined.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr
from jaxtyping import Float

from align_da.atmosphere.grid import Grid, VerticalCoordinate
from align_da.atmosphere.state import Layout, State, state_from_fields
from align_da.atmosphere.times import in_nanoseconds
from align_da.atmosphere.units import to_si
from align_da.atmosphere.variables import VARIABLES, variable_named
from align_da.errors import InputError, StorageError

CONVENTIONS = "CF-1.11"
PRESSURE_AT_TOP = "pressure_at_top"
COORDINATE_TOLERANCE = 1e-4  # of a grid step: float32 coordinates match float64 ones
_HECTOPASCAL = ("hPa", "mbar", "millibars")
_SPACE = ("level", "latitude", "longitude")
_COORDINATE_ATTRIBUTES: dict[str, dict[str, str]] = {
    "time": {"standard_name": "time", "long_name": "valid time", "axis": "T"},
    "realization": {
        "standard_name": "realization",
        "long_name": "ensemble member",
        "units": "1",
    },
    "prediction_timedelta": {"standard_name": "forecast_period", "long_name": "lead time"},
    "latitude": {
        "standard_name": "latitude",
        "long_name": "latitude",
        "units": "degrees_north",
        "axis": "Y",
    },
    "longitude": {
        "standard_name": "longitude",
        "long_name": "longitude",
        "units": "degrees_east",
        "axis": "X",
    },
}
_LEVEL_ATTRIBUTES: dict[str, dict[str, str]] = {
    "sigma": {
        "standard_name": "atmosphere_sigma_coordinate",
        "long_name": "pressure over surface pressure",
        "units": "1",
    },
    "pressure": {"standard_name": "air_pressure", "long_name": "pressure", "units": "Pa"},
    "index": {
        "standard_name": "model_level_number",
        "long_name": "level of an abstract system",
        "units": "1",
    },
}


def layout_from_dataset(
    dataset: xr.Dataset, variables: Sequence[str] | None = None, *, limited_area: bool = False
) -> Layout:
    """The layout of the states that a dataset holds.

    Args:
        dataset: dimensions latitude, longitude, level and any leading ones.
        variables: the variables wanted, in this order; all known ones in table order if None.
        limited_area: whether the grid is a part of the sphere; whoever means the whole sphere must
            not be given less.

    Raises:
        InputError: a coordinate is missing, not finite, not monotone or not global, or the dataset
            lacks a wanted variable or any known one.
    """
    for name in _SPACE:
        _check_coordinate(dataset, name)
    # Without the fields: those that are still in files would be read to be rolled.
    axes = _ordered(dataset.coords.to_dataset(), closed=not limited_area)
    names = tuple(variables or (name for name in VARIABLES if name in dataset))
    missing = [name for name in names if name not in dataset]
    if missing or not names:
        message = (
            f"expected variables {', '.join(missing or VARIABLES)}, the dataset holds "
            f"{', '.join(map(str, dataset.data_vars))}: use the names of WeatherBench 2"
        )
        raise InputError(message)
    grid = Grid(
        latitude=tuple(axes["latitude"].values.astype(float).tolist()),
        longitude=tuple(axes["longitude"].values.astype(float).tolist()),
        vertical=vertical_coordinate(axes["level"]),
        periodic=not limited_area,
    )
    return Layout(grid, names)


def state_from_dataset(
    dataset: xr.Dataset, layout: Layout | None = None, time: int | slice = slice(None)
) -> State:
    """Read states into memory.

    Args:
        dataset: holds at least the variables of `layout` on its grid.
        layout: the layout of the result; that of all known variables of the dataset if None.
        time: which times (an index drops the time axis); ignored without a time dimension.

    Returns:
        Values [..., lat, lon, channel], float32, SI units; leading axes in the dataset's order.

    Raises:
        InputError: another grid, a missing variable, an unknown unit, other leading dimensions for
            one variable than for another, a bad time axis, or values that cannot be read or are
            not finite.
    """
    layout = layout_from_dataset(dataset) if layout is None else layout
    closed = layout.grid.periodic
    found = layout_from_dataset(dataset, layout.variables, limited_area=not closed)
    _check_same_grid(found.grid, layout.grid)
    check_times(dataset)
    # First what is asked for: to roll longitudes reads whatever is still in files.
    selected = dataset.drop_vars(set(dataset.data_vars) - set(layout.variables))
    selected = selected.isel(time=time) if "time" in selected.dims else selected
    selected = _ordered(selected, closed=closed)
    first = selected[layout.variables[0]]
    leading = tuple(str(dim) for dim in first.dims if dim not in _SPACE)
    fields = {name: _field(selected[name], name, leading) for name in layout.variables}
    return state_from_fields(fields, layout)


def dataset_from_state(state: State, leading: Mapping[str, Any] | None = None) -> xr.Dataset:
    """A dataset with WeatherBench 2 names and CF attributes.

    Args:
        state: values [..., lat, lon, channel].
        leading: name and values of the coordinate of each leading axis, in order, for example
            {"time": times, "realization": range(members)}; None for a single state.

    Raises:
        InputError: the leading coordinates do not fit the leading axes.
    """
    return dataset_from_values(np.asarray(state.values), state.layout, leading)


def dataset_from_values(
    values: Float[np.ndarray, "*leading lat lon channel"],
    layout: Layout,
    leading: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """`dataset_from_state` of values that may lie on the disk: the dataset is a view of them.

    Args:
        values: [..., lat, lon, channel], SI units.
        layout: what the channels mean.
        leading: as of `dataset_from_state`.

    Raises:
        InputError: the leading coordinates do not fit the leading axes.
    """
    leading = {name: np.asarray(coordinate) for name, coordinate in (leading or {}).items()}
    expected = tuple(len(coordinate) for coordinate in leading.values())
    if values.shape[:-3] != expected:
        message = (
            f"expected leading axes {values.shape[:-3]}, got coordinates for {tuple(leading)} "
            f"of lengths {expected}"
        )
        raise InputError(message)
    return with_coordinate_attributes(
        xr.Dataset(
            {
                name: _variable(values[..., layout.channels_of(name)], name, tuple(leading))
                for name in layout.variables
            },
            coords=leading | _space_coordinates(layout.grid),
            attrs={"Conventions": CONVENTIONS},
        )
    )


def with_coordinate_attributes(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset with CF attributes on its time, member and horizontal coordinates."""
    described = {
        name: dataset[name].assign_attrs(_COORDINATE_ATTRIBUTES[str(name)])
        for name in dataset.coords
        if name in _COORDINATE_ATTRIBUTES
    }
    return dataset.assign_coords(described)


def check_times(dataset: xr.Dataset) -> None:
    """Refuse a time axis that is not standard calendar, known and strictly increasing.

    Raises:
        InputError: says which.
    """
    if "time" not in dataset.dims:
        return
    along = _is_along_itself(dataset, "time")
    if not along or dataset["time"].dtype.kind != "M":
        message = (
            "expected a time coordinate of the standard calendar (datetime64), got "
            f"{dataset['time'].dtype if along else 'none'}: "
            "other calendars (noleap, 360_day) are not supported"
        )
        raise InputError(message)
    times = in_nanoseconds(dataset["time"].values)
    if np.any(times[1:] <= times[:-1]):
        message = f"times must be strictly increasing, got {times}: sort the input"
        raise InputError(message)


def _ordered(dataset: xr.Dataset, *, closed: bool) -> xr.Dataset:
    """The dataset south to north, from 0..360 degrees eastward, top level first."""
    for name in ("latitude", "level"):
        if dataset.sizes[name] > 1 and dataset[name].values[0] > dataset[name].values[-1]:
            dataset = dataset.isel({name: slice(None, None, -1)})
    western = int(np.count_nonzero(dataset["longitude"].values < 0))
    if western and not closed:
        return dataset.assign_coords(longitude=dataset["longitude"] + 360.0)
    if western:
        dataset = dataset.roll(longitude=-western, roll_coords=True)
        dataset = dataset.assign_coords(longitude=dataset["longitude"] % 360)
    return dataset


def _is_along_itself(dataset: xr.Dataset, name: str) -> bool:
    """Whether the coordinate `name` is of the dimension `name`; damaged metadata may deny it."""
    return name in dataset.coords and dataset.coords[name].dims == (name,)


def _check_coordinate(dataset: xr.Dataset, name: str) -> None:
    """Refuse a coordinate that is missing, not finite or not strictly monotone."""
    if name not in dataset.dims or not _is_along_itself(dataset, name):
        message = (
            f"expected a dimension {name!r} with coordinate values, the dataset has dimensions "
            f"{dict(dataset.sizes)}: rename its axes to {', '.join(_SPACE)}"
        )
        raise InputError(message)
    values = dataset[name].values
    if values.dtype.kind not in "iuf" or values.size == 0 or not np.isfinite(values).all():
        message = f"{name} must hold finite numbers, got {values}"
        raise InputError(message)
    steps = np.diff(values.astype(float))
    if not (np.all(steps > 0) or (np.all(steps < 0) and name != "longitude")):
        message = f"{name} must be strictly monotone, got {values}: sort the input"
        raise InputError(message)


def vertical_coordinate(level: xr.DataArray) -> VerticalCoordinate:
    """The vertical coordinate of an axis that begins at the top; levels of pressure in Pa."""
    values = level.values.astype(float)
    kind = _vertical_kind(level)
    if kind == "pressure" and level.attrs.get("units") != "Pa":
        in_hectopascal = level.attrs.get("units") in _HECTOPASCAL
        values = values * (100.0 if in_hectopascal or values[-1] <= 1200 else 1.0)
    return VerticalCoordinate(kind, tuple(values.tolist()))


def _vertical_kind(level: xr.DataArray) -> Literal["sigma", "pressure", "index"]:
    """The kind that the attributes declare; without any, at most 1 is sigma, more is pressure."""
    declared, units = level.attrs.get("standard_name"), level.attrs.get("units")
    if declared == "model_level_number":
        return "index"
    if declared == "atmosphere_sigma_coordinate":
        return "sigma"
    if declared == "air_pressure" or units in ("Pa", *_HECTOPASCAL):
        return "pressure"
    return "sigma" if level.values[-1] <= 1 else "pressure"


def _check_same_grid(found: Grid, expected: Grid) -> None:
    """Refuse a grid that differs by more than the tolerance."""
    pairs = {
        "latitude": (found.latitude, expected.latitude),
        "longitude": (found.longitude, expected.longitude),
        "level": (found.vertical.levels, expected.vertical.levels),
    }
    for name, (came, wanted) in pairs.items():
        if not _same_coordinate(came, wanted):
            message = f"{name} does not match: expected {wanted}, got {came}: regrid the input"
            raise InputError(message)
    if found.vertical.kind != expected.vertical.kind:
        message = (
            f"expected {expected.vertical.kind} levels, got {found.vertical.kind} levels: "
            "interpolate the input in the vertical"
        )
        raise InputError(message)


def _same_coordinate(came: Sequence[float], wanted: Sequence[float]) -> bool:
    """Whether two coordinates agree to a small part of the smallest grid step."""
    if len(came) != len(wanted):
        return False
    step = np.min(np.abs(np.diff(wanted))) if len(wanted) > 1 else abs(wanted[0])
    difference = np.max(np.abs(np.asarray(came) - np.asarray(wanted)))
    return bool(difference <= COORDINATE_TOLERANCE * step)


def _field(array: xr.DataArray, name: str, leading: tuple[str, ...]) -> np.ndarray:
    """One variable in memory, [..., lat, lon, level], float32, SI units."""
    variable = variable_named(name)
    space = ("latitude", "longitude", *(("level",) if variable.on_levels else ()))
    if set(array.dims) != {*leading, *space}:
        message = f"{name}: expected dimensions {(*leading, *space)}, got {array.dims}"
        raise InputError(message)
    values = np.asarray(in_memory(array).transpose(*leading, *space).values, dtype=np.float32)
    if not np.isfinite(values).all():
        message = (
            f"{name}: {np.count_nonzero(~np.isfinite(values))} values are not finite: "
            "the input is incomplete or damaged"
        )
        raise InputError(message)
    values = to_si(values, str(array.attrs.get("units", variable.units)), variable)
    return values if variable.on_levels else values[..., None]


def in_memory(array: xr.DataArray) -> xr.DataArray:
    """The variable with its values.

    Raises:
        InputError: they cannot be read.
        StorageError: a chunk is not what its store says.
    """
    try:
        return array.compute()
    except StorageError as error:
        message = f"{array.name}: the values cannot be read ({error})"
        raise StorageError(message) from error
    except (OSError, ValueError, RuntimeError) as error:  # of whatever decodes the file
        message = f"{array.name}: the values cannot be read ({error}): the input is damaged"
        raise InputError(message) from error


def _variable(values: np.ndarray, name: str, leading: tuple[str, ...]) -> xr.Variable:
    """One variable for a dataset, from [..., lat, lon, level]."""
    variable = variable_named(name)
    attributes = variable_attributes(name)
    if not variable.on_levels:
        return xr.Variable((*leading, "latitude", "longitude"), values[..., 0], attributes)
    return xr.Variable((*leading, *_SPACE), np.moveaxis(values, -1, -3), attributes)


def variable_attributes(name: str) -> dict[str, str]:
    """CF attributes of a variable of the table."""
    variable = variable_named(name)
    return {
        "standard_name": variable.standard_name,
        "long_name": name.replace("_", " "),
        "units": variable.units,
    }


def increment_attributes(name: str) -> dict[str, str]:
    """CF attributes of the increment of a variable of the table.

    There is no standard name: that of the variable says that it is a state, and the CF table has
    none for the difference of an analysis and its background.
    """
    variable = variable_named(name)
    is_temperature = {"units_metadata": "temperature: difference"} if variable.units == "K" else {}
    return {
        "long_name": f"increment of {name.replace('_', ' ')} (analysis minus background)",
        "units": variable.units,
        **is_temperature,
    }


def with_pressure_of_sigma(dataset: xr.Dataset) -> xr.Dataset:
    """States with the formula of the pressure of their levels (CF-1.11, appendix D).

    Args:
        dataset: states, not increments of them; returned as they are on other levels than sigma,
            or without surface pressure.
    """
    about: dict[str, Any] = dataset["level"].attrs if "level" in dataset else {}
    is_sigma = about.get("standard_name") == "atmosphere_sigma_coordinate"
    if not is_sigma or "surface_pressure" not in dataset:
        return dataset
    formula = {
        "formula_terms": f"sigma: level ps: surface_pressure ptop: {PRESSURE_AT_TOP}",
        "computed_standard_name": "air_pressure",
    }
    top = {"long_name": "pressure at the top of the model", "units": "Pa"}
    with_top = dataset.assign({PRESSURE_AT_TOP: xr.Variable((), np.float64(0.0), top)})
    return with_top.assign_coords(level=dataset["level"].assign_attrs(formula))


def _space_coordinates(grid: Grid) -> dict[str, Any]:
    """Coordinates of level, latitude and longitude."""
    return {
        "level": level_coordinate(grid.vertical),
        "latitude": np.asarray(grid.latitude),
        "longitude": np.asarray(grid.longitude),
    }


def level_coordinate(vertical: VerticalCoordinate) -> xr.Variable:
    """The coordinate of the levels, which its attributes explain."""
    attributes = {"axis": "Z", "positive": "down"} | _LEVEL_ATTRIBUTES[vertical.kind]
    return xr.Variable("level", np.asarray(vertical.levels), attributes)
