"""Whether states are what their labels say, told from the values alone.

A label can be wrong where every number is plausible: geopotential in metres, levels or rows in
another order than the values, longitudes that run the other way or begin elsewhere, one state of a
series that is. Balance tells, and the state six hours before. What can tell nothing (a layout
without winds, a ground without mountains) is passed over.
"""

from collections.abc import Iterator

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Float, Shaped

from align_da.atmosphere import Layout, State
from align_da.atmosphere.balance import (
    EXTRATROPICAL_TROPOSPHERE,
    geostrophic_imbalance,
    has_mass_and_wind,
    hydrostatic_residual,
)
from align_da.atmosphere.plausibility import check_plausible
from align_da.errors import InputError

LARGEST_RESIDUAL = 0.2  # ERA5 has 0.01; metres for m2 s-2 or levels in another order 0.9 and more
LARGEST_IMBALANCE = 0.3  # analyses have 0.06; upside down, mirrored or shifted 0.9 and more
LEAST_PERSISTENCE = 0.5  # analyses twelve hours apart have 0.8 and more, shifted ones 0
LEAST_SHADOW = 0.5  # surface pressure follows the mountains with 0.95 and more, shifted ones 0
_MOUNTAINS = 1e3  # m2 s-2; a flatter ground tells nothing of surface pressure
_FEWEST = 4  # points of a chunk that are not alike by chance


def check_states(states: State, surface_geopotential: Float[np.ndarray, "lat lon"]) -> None:
    """Refuse states that are not plausible, empty, or labelled wrongly.

    Args:
        states: values [time, lat, lon, channel], SI units.
        surface_geopotential: m2 s-2.

    Raises:
        BadStateError: a value is out of bounds.
        InputError: a channel has the same value everywhere, the layers are as thick as no air of
            their temperature is, or winds or surface pressure do not belong to the other fields.
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
        _check_thickness(states, surface_geopotential)
    if has_mass_and_wind(layout) and _has_troposphere(layout):
        _check_winds(states, surface_geopotential)
    if "surface_pressure" in layout.variables:
        _check_surface_pressure(states, surface_geopotential)


def check_persistence(states: State, times: Shaped[np.ndarray, " time"]) -> None:
    """Refuse a series in which a field has hardly anything in common with the one before.

    Of each variable, what departs from the mean of its row is correlated with the same six hours
    before, all levels together. Where a series changes for good, the later part may be the wrong
    one.

    Args:
        states: values [time, lat, lon, channel].
        times: of the states, six hours apart.

    Raises:
        InputError: names the variable and the time.
    """
    values = np.asarray(states.values, np.float64)
    waves = values - values.mean(axis=2, keepdims=True)
    weights = states.layout.grid.area_weights[:, :, None]
    for name in states.layout.variables:
        part = waves[..., states.layout.channels_of(name)]
        power = (part**2 * weights).sum(axis=(1, 2))
        shared = (part[1:] * part[:-1] * weights).sum(axis=(1, 2))
        both = np.sqrt(power[1:] * power[:-1])
        # The levels count alike, however strong their waves are; one without waves tells nothing.
        found = np.divide(shared, both, out=np.ones_like(both), where=both > 0).mean(axis=-1)
        breaks = np.flatnonzero(found < LEAST_PERSISTENCE)
        if breaks.size:
            time = np.datetime_as_string(times[breaks[0] + 1], unit="m")
            message = (
                f"{name} at {time} has a correlation of {found[breaks[0]]:.2f} with six hours "
                f"before, expected at least {LEAST_PERSISTENCE}: one of the two is shifted, "
                "mirrored or of another time: fetch both again"
            )
            raise InputError(message)


def check_chunks(dataset: xr.Dataset) -> None:
    """Refuse a chunk of the source whose values are all the same: it was never written.

    Zarr gives the fill value, often 0, for a chunk that is missing, packed or not. A chunk of a
    real field does not have one value, unless it has very few points.

    Args:
        dataset: in memory, whole rows and columns; the encoding knows the chunks of the store.

    Raises:
        InputError: names variable and place.
    """
    for name, array in dataset.data_vars.items():
        if not {"latitude", "longitude"} <= set(array.dims):
            continue
        for tile in _tiles(array):
            values = tile.to_numpy()
            values = values.reshape(-1, values.shape[-2] * values.shape[-1])
            if values.shape[-1] >= _FEWEST and (values.max(-1) == values.min(-1)).any():
                rows, columns = tile["latitude"].to_numpy(), tile["longitude"].to_numpy()
                message = (
                    f"{name} has the same value at all latitudes {rows[0]:g} to {rows[-1]:g} and "
                    f"longitudes {columns[0]:g} to {columns[-1]:g}: a chunk of the source is "
                    "missing, fetch it again"
                )
                raise InputError(message)


def _tiles(array: xr.DataArray) -> Iterator[xr.DataArray]:
    """The parts of a field that lie in one chunk each, if there are several; space last."""
    chunks = dict(zip(array.dims, array.encoding.get("chunks") or array.shape, strict=True))
    rows, columns = int(chunks["latitude"]), int(chunks["longitude"])
    field = array.transpose(..., "latitude", "longitude")
    if field.shape[-2:] == (rows, columns):
        return  # a whole field of one value is told by `check_states`
    for first in range(0, field.sizes["latitude"], rows):
        for west in range(0, field.sizes["longitude"], columns):
            yield field[..., first : first + rows, west : west + columns]


def _has_troposphere(layout: Layout) -> bool:
    """Whether there is a level at which balance is looked at."""
    return bool(EXTRATROPICAL_TROPOSPHERE.holds(layout.grid.vertical).any())


def _has_thickness(layout: Layout) -> bool:
    """Whether there is a layer whose thickness can be compared with its temperature."""
    inside = EXTRATROPICAL_TROPOSPHERE.holds(layout.grid.vertical)[1:]
    return bool(inside.any()) and {"geopotential", "temperature"} <= set(layout.variables)


def _check_thickness(states: State, surface_geopotential: Float[np.ndarray, "lat lon"]) -> None:
    residual = float(hydrostatic_residual(states, jnp.asarray(surface_geopotential)).max())
    if not residual <= LARGEST_RESIDUAL:
        message = (
            f"the thickness of the layers is {residual:.0%} off hydrostatic balance, expected "
            f"at most {LARGEST_RESIDUAL:.0%}: geopotential in another unit than m2 s-2, or "
            "levels in another order than the values"
        )
        raise InputError(message)


def _check_winds(states: State, surface_geopotential: Float[np.ndarray, "lat lon"]) -> None:
    imbalance = float(geostrophic_imbalance(states, jnp.asarray(surface_geopotential)).max())
    if not imbalance <= LARGEST_IMBALANCE:
        message = (
            f"the winds are {imbalance:.2f} off geostrophic balance (1 is as much as the winds "
            f"themselves), expected at most {LARGEST_IMBALANCE}: the rows are upside down, the "
            "columns mirrored or shifted, or winds and geopotential are not of one time"
        )
        raise InputError(message)


def _check_surface_pressure(
    states: State, surface_geopotential: Float[np.ndarray, "lat lon"]
) -> None:
    weights = states.layout.grid.area_weights
    ground = surface_geopotential - (surface_geopotential * weights).sum()
    height = np.sqrt((ground**2 * weights).sum())
    if height < _MOUNTAINS:
        return
    logarithm = np.log(np.asarray(states["surface_pressure"], np.float64))[..., 0]
    pressure = logarithm - (logarithm * weights).sum(axis=(-2, -1), keepdims=True)
    spread = np.sqrt((pressure**2 * weights).sum(axis=(-2, -1)))
    shadow = -(pressure * ground * weights).sum(axis=(-2, -1)) / (height * spread)
    if not shadow.min() >= LEAST_SHADOW:
        message = (
            f"surface pressure is correlated by {shadow.min():.2f} with the depth of the ground, "
            f"expected at least {LEAST_SHADOW}: rows or columns are shifted, mirrored or upside "
            "down"
        )
        raise InputError(message)
