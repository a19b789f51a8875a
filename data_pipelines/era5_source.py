"""Real states from a store or files of ERA5, opened lazily and checked before anything is written.

Names, units and axes are those of WeatherBench 2 and ARCO-ERA5; either order of longitude and
latitude, south or north first, and longitudes from -180 or from 0 are read. A label can be wrong
where every number is plausible, see `state_checks`.

This is the only module that may reach another machine, and only where `era5.source` is a URL.
"""

from dataclasses import dataclass
from functools import cached_property
from glob import glob
from pathlib import Path

import dask
import numpy as np
import xarray as xr
from jaxtyping import Float, Shaped

from align_da.atmosphere import Grid, Layout, VerticalCoordinate, variable_named
from align_da.atmosphere.balance import STANDARD_PRESSURE
from align_da.atmosphere.dataset import (
    check_times,
    in_memory,
    layout_from_dataset,
    state_from_dataset,
)
from align_da.config import Era5Config
from align_da.errors import AlignDAError, InputError, StorageError
from data_pipelines.grib import ENDINGS, SURFACE, open_grib
from data_pipelines.state_checks import check_chunks, check_states
from data_pipelines.zarr_source import open_zarr_source

_WIDEST_STEP = 1.3  # of the median: Gaussian rows are apart alike within a few per cent


@dataclass(frozen=True)
class Era5Source:
    """What is read of a source.

    Attributes:
        dataset: lazy; the wanted variables and levels, and the surface geopotential.
        layout: of the states in it.
    """

    dataset: xr.Dataset
    layout: Layout

    def states(
        self, times: Shaped[np.ndarray, " time"]
    ) -> Float[np.ndarray, "time lat lon channel"]:
        """The states at some times of the source, SI units, checked by `check_states`.

        Raises:
            InputError: values are missing or wrong; names the times.
        """
        # In this thread: a graph of a worker would go back to the scheduler.
        with dask.config.set(scheduler="synchronous"):
            try:
                dataset = self.dataset.drop_vars(SURFACE).sel(time=times).map(in_memory)
                check_chunks(dataset)
                states = state_from_dataset(dataset, self.layout)
                check_states(states, self.surface_geopotential)
            except AlignDAError as error:
                message = f"ERA5 from {_told(times[0])} to {_told(times[-1])}: {error}"
                raise InputError(message) from error
        return np.asarray(states.values)

    @cached_property
    def surface_geopotential(self) -> Float[np.ndarray, "lat lon"]:
        """Geopotential of the ground, m2 s-2.

        Raises:
            InputError: it is in another unit or not finite.
        """
        field = self.dataset[SURFACE]
        if "time" in field.dims:  # in ARCO-ERA5, the same at all times
            field = field.isel(time=0, drop=True)
        ground = field.rename("geopotential").expand_dims(level=[STANDARD_PRESSURE]).to_dataset()
        vertical = VerticalCoordinate("pressure", (STANDARD_PRESSURE,))
        grid = Grid(self.layout.grid.latitude, self.layout.grid.longitude, vertical)
        try:
            state = state_from_dataset(ground, Layout(grid, ("geopotential",)))
        except InputError as error:
            message = f"{SURFACE}: {error}"
            raise InputError(message) from error
        return np.asarray(state.values[..., 0])


def open_era5(config: Era5Config, times: Shaped[np.ndarray, " time"]) -> Era5Source:
    """Open a source and check that it holds what is wanted; few values are read.

    Args:
        config: names the source.
        times: of the states that will be read.

    Raises:
        ConfigError: an unknown kind of URL or variable, or a package is missing.
        StorageError: nothing is there, or it cannot be opened.
        InputError: a variable, level or time is missing, or an axis does not keep its contract.
    """
    for name in config.variables:
        variable_named(name)
    dataset = _opened(config)
    missing = [name for name in (*config.variables, SURFACE) if name not in dataset.data_vars]
    if missing:
        held = ", ".join(str(name) for name in dataset.data_vars)
        message = f"{config.source} lacks {', '.join(missing)}: it holds {held or 'no variables'}"
        raise InputError(message)
    _check_axes(dataset, config)
    check_times(dataset)
    _check_times(dataset["time"].to_numpy(), times)
    chosen = _at_levels(dataset[[*config.variables, SURFACE]].sel(time=times), config)
    layout = layout_from_dataset(chosen, _in_table_order(chosen))
    _check_whole_globe(layout.grid)
    return Era5Source(chosen, layout)


def _opened(config: Era5Config) -> xr.Dataset:
    """All that is at the source."""
    source = config.source or ""
    if source.lower().endswith(ENDINGS):
        # What exists is no pattern, whatever brackets it has.
        found = [source] if Path(source).exists() else glob(source)  # noqa: PTH207 (absolute)
        files = sorted(map(Path, found))
        if not files:
            message = f"era5.source: expected GRIB files at {source}, found none"
            raise StorageError(message)
        return open_grib(files, (*config.variables, SURFACE))
    names = (*config.variables, SURFACE)
    return open_zarr_source(source, names, anonymous=config.anonymous)


def _check_axes(dataset: xr.Dataset, config: Era5Config) -> None:
    """Refuse other dimensions than time, level, latitude and longitude, and other than numbers."""
    for name in config.variables:
        if dataset[name].dtype.kind not in "iuf":
            message = f"{name}: expected numbers, got {dataset[name].dtype}: correct the source"
            raise InputError(message)
        vertical = {"level"} if variable_named(name).on_levels else set()
        expected = {"time", "latitude", "longitude"} | vertical
        if set(dataset[name].dims) != expected:
            message = (
                f"{name}: expected dimensions {', '.join(sorted(expected))}, got "
                f"{', '.join(map(str, dataset[name].dims))}: select one member, use pressure "
                "levels on a regular grid, and name the axes as WeatherBench 2 does"
            )
            raise InputError(message)


def _check_times(known: Shaped[np.ndarray, " known"], times: Shaped[np.ndarray, " time"]) -> None:
    """Refuse a source that lacks a wanted time."""
    missing = times[~np.isin(times, known)]
    if missing.size:
        steps = np.unique(np.diff(known))[:3] / np.timedelta64(1, "h")
        wanted, held = (f"{_told(axis[0])} to {_told(axis[-1])}" for axis in (times, known))
        message = (
            f"expected {times.size} states from {wanted}, the source lacks {missing.size} of them,"
            f" first {_told(missing[0])}: it covers {held} in steps of "
            f"{', '.join(f'{step:g}' for step in steps)} h: change world.start or the lengths of "
            "the periods"
        )
        raise InputError(message)


def _told(time: np.datetime64) -> str:
    """A time to the minute."""
    return str(np.datetime_as_string(time, unit="m"))


def _at_levels(dataset: xr.Dataset, config: Era5Config) -> xr.Dataset:
    """The wanted levels of the source.

    Raises:
        InputError: it lacks one of them, or has other levels than those of pressure.
    """
    if "level" not in dataset.dims:  # nothing on levels is wanted
        return dataset.assign_coords(level=("level", [STANDARD_PRESSURE]))
    vertical = layout_from_dataset(dataset, _in_table_order(dataset)).grid.vertical
    if vertical.kind != "pressure":
        message = f"expected pressure levels, got {vertical.kind} levels {vertical.levels}"
        raise InputError(message)
    known = dataset["level"].to_numpy()
    in_pascal = known * (vertical.levels[-1] / known.max())
    wanted = 100.0 * np.asarray(sorted(config.levels))
    distance = np.abs(in_pascal - wanted[:, None])
    missing = wanted[distance.min(axis=1) > 1.0] / 100
    if missing.size:
        message = (
            f"the source lacks the levels {missing.tolist()} hPa: it holds "
            f"{[level / 100 for level in vertical.levels]}: change era5.levels"
        )
        raise InputError(message)
    return dataset.isel(level=distance.argmin(axis=1))


def _in_table_order(dataset: xr.Dataset) -> tuple[str, ...]:
    """The wanted variables in the order of the variable table, which is that of the channels."""
    chosen = dataset.drop_vars(SURFACE)
    return layout_from_dataset(chosen).variables


def _check_whole_globe(grid: Grid) -> None:
    """Refuse rows that are missing at a pole or between others (longitudes close the circle)."""
    latitude = np.asarray(grid.latitude)
    step = float(np.median(np.diff(latitude))) if latitude.size > 1 else 0.0
    wide = np.diff(latitude) > _WIDEST_STEP * step
    if wide.any():
        south, north = latitude[:-1][wide][0], latitude[1:][wide][0]
        message = (
            f"expected rows about {step:g} degrees apart, got none between latitudes {south:g} "
            f"and {north:g}: the source is incomplete"
        )
        raise InputError(message)
    if max(latitude[0] + 90, 90 - latitude[-1]) > _WIDEST_STEP * step:
        message = (
            f"expected latitudes from pole to pole, got {latitude[0]} to {latitude[-1]}: "
            "the source is a region"
        )
        raise InputError(message)
