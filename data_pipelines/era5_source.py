"""Real states from a store or files of ERA5, opened lazily and checked before anything is written.

Names, units and axes are those of WeatherBench 2 and ARCO-ERA5; either order of longitude and
latitude, south or north first, and longitudes from -180 or from 0 are read. A label can be wrong
where every number is plausible: geopotential in metres, levels in another order than the values.
Hydrostatic balance tells, see `check_states`.

This is the only module that may reach another machine, and only where `era5.source` is a URL.
"""

from dataclasses import dataclass
from functools import cached_property
from glob import glob
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dask
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Float, Shaped

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate, variable_named
from align_da.atmosphere.balance import STANDARD_PRESSURE, hydrostatic_residual
from align_da.atmosphere.dataset import check_times, layout_from_dataset, state_from_dataset
from align_da.atmosphere.plausibility import check_plausible
from align_da.config import Era5Config
from align_da.errors import AlignDAError, ConfigError, InputError, StorageError
from data_pipelines.grib import ENDINGS, SURFACE, open_grib

LARGEST_RESIDUAL = 0.2  # ERA5 has 0.01; metres for m2 s-2 or levels in another order 0.9 and more
_LAYERS = (0.2, 0.9)  # of STANDARD_PRESSURE, those that `hydrostatic_residual` looks at
_OPTIONS: dict[str, dict[str, Any]] = {  # of each kind of URL, to read without an account
    "file": {},
    "memory": {},
    "gs": {"token": "anon"},
    "s3": {"anon": True},
}
# What xarray, zarr and fsspec raise for damaged or foreign content.
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError)


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
                states = state_from_dataset(self.dataset.sel(time=times), self.layout)
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


def check_states(states: State, surface_geopotential: Float[np.ndarray, "lat lon"]) -> None:
    """Refuse states that are not plausible, empty, or labelled wrongly.

    Raises:
        BadStateError: a value is out of bounds.
        InputError: a channel has the same value everywhere, or the layers are as thick as no air
            of their temperature is.
    """
    layout, values = states.layout, np.asarray(states.values)
    check_plausible(values, layout, "the source")
    flat = (values.max(axis=(-3, -2)) == values.min(axis=(-3, -2))).any(axis=0)
    if flat.any():
        channel = layout.channels[int(np.argmax(flat))]
        message = (
            f"{channel.variable.name} has the same value everywhere (level {channel.level} from "
            "the top): the source is incomplete, fetch it again"
        )
        raise InputError(message)
    if _has_thickness(layout):
        residual = float(hydrostatic_residual(states, jnp.asarray(surface_geopotential)).max())
        if not residual <= LARGEST_RESIDUAL:
            message = (
                f"the thickness of the layers is {residual:.0%} off hydrostatic balance, expected "
                f"at most {LARGEST_RESIDUAL:.0%}: geopotential in another unit than m2 s-2, or "
                "levels in another order than the values"
            )
            raise InputError(message)


def _has_thickness(layout: Layout) -> bool:
    """Whether there is a layer whose thickness can be compared with its temperature."""
    shares = np.asarray(layout.grid.vertical.levels[1:]) / STANDARD_PRESSURE
    inside = bool(np.any((shares >= _LAYERS[0]) & (shares <= _LAYERS[1])))
    return inside and {"geopotential", "temperature"} <= set(layout.variables)


def _opened(config: Era5Config) -> xr.Dataset:
    """All that is at the source."""
    source = config.source or ""
    if source.lower().endswith(ENDINGS):
        files = sorted(Path(name) for name in glob(source))  # noqa: PTH207 (absolute patterns)
        if not files:
            message = f"era5.source: expected GRIB files at {source}, found none"
            raise StorageError(message)
        return open_grib(files, (*config.variables, SURFACE))
    kind = urlsplit(source).scheme if "://" in source else None
    if kind is not None and kind not in _OPTIONS:
        message = f"era5.source: expected a path or a URL of {', '.join(_OPTIONS)}, got {source!r}"
        raise ConfigError(message)
    if kind is None and not Path(source).is_dir():
        message = f"era5.source: expected a zarr store at {source!r}, found none"
        raise StorageError(message)
    options = None if kind is None else _OPTIONS[kind] if config.anonymous else {}
    return _open_zarr(source, options)


def _open_zarr(source: str, options: dict[str, Any] | None) -> xr.Dataset:
    """A zarr store of format 2 or 3, with consolidated metadata or without.

    Raises:
        ConfigError: the package for this kind of URL is missing.
        StorageError: it cannot be opened.
    """
    try:
        try:
            return _open_zarr_with(source, options, consolidated=True)
        except (ValueError, KeyError, FileNotFoundError):  # there are none
            return _open_zarr_with(source, options, consolidated=False)
    except ImportError as error:
        message = f"{source} needs a package that is missing: pip install 'align-da[cloud]'"
        raise ConfigError(message) from error
    except _UNREADABLE as error:
        message = f"{source} cannot be opened as a zarr store ({error}): check era5.source"
        raise StorageError(message) from error


def _open_zarr_with(
    source: str, options: dict[str, Any] | None, *, consolidated: bool
) -> xr.Dataset:
    # Lazy without dask: a block is read at a time.
    dataset: xr.Dataset = xr.open_zarr(
        source, chunks=None, consolidated=consolidated, storage_options=options
    )
    return dataset


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
    """Refuse latitudes that leave more than one step to a pole (longitudes close the circle)."""
    latitude = np.asarray(grid.latitude)
    step = float(np.diff(latitude).max()) if latitude.size > 1 else 0.0
    if latitude[0] + 90 > step or 90 - latitude[-1] > step:
        message = (
            f"expected latitudes from pole to pole, got {latitude[0]} to {latitude[-1]}: "
            "the source is a region"
        )
        raise InputError(message)
