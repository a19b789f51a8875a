"""A small world in exactly the schema of WeatherBench 2 and ARCO-ERA5: smooth travelling waves.

Geopotential and temperature are in hydrostatic balance for every layer: with Phi' independent of
height, Phi = R_d T_0 ln(p_0 / p) + Phi' (1 + s ln(p_0 / p)) has T = T_0 + s Phi' / R_d. Winds are
geostrophic.
"""

from collections.abc import Sequence
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import xarray as xr

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.atmosphere.balance import geostrophic_wind
from align_da.constants import DRY_AIR_GAS_CONSTANT

LEVELS = (300, 500, 850)
UNITS = {
    "geopotential": "m**2 s**-2",
    "specific_humidity": "kg kg**-1",
    "temperature": "K",
    "u_component_of_wind": "m s**-1",
    "v_component_of_wind": "m s**-1",
    "10m_u_component_of_wind": "m s**-1",
    "10m_v_component_of_wind": "m s**-1",
    "2m_temperature": "K",
    "mean_sea_level_pressure": "Pa",
    "geopotential_at_surface": "m**2 s**-2",
}


def travelling_waves(
    days: float = 40,
    rows: int = 16,
    columns: int = 32,
    levels: Sequence[int] = LEVELS,
    start: str = "2020-01-01",
    step_hours: int = 6,
) -> xr.Dataset:
    """Dimensions time, level, latitude, longitude as in raw ERA5: north first, level in hPa."""
    count = int(days * 24 / step_hours)
    hours = step_hours * np.arange(count)
    latitude = 90 - 180 / rows * (np.arange(rows) + 0.5)
    longitude = 360 / columns * np.arange(columns)
    phi, lam = np.deg2rad(latitude)[:, None], np.deg2rad(longitude)
    time = hours[:, None, None, None]
    # Two waves of other speed and amplitude that grow and decay: no state comes twice. They vanish
    # at the equator, where the geostrophic wind does not.
    wave = sum(
        size * np.sin(2 * phi) ** 2 * np.sin(k * lam + drift - speed * time + 2 * phi)
        for k, size, speed, drift in (
            (2, 1400 + 600 * np.sin(time / 61), 0.020, 0.3),
            (3, 1000 + 400 * np.sin(time / 37), 0.035, 1.1),
        )
    )
    height = np.log(1000 / np.asarray(levels, float))[:, None, None]
    base = 255.0 + 0 * wave
    slope = 1.5
    jet = wave - 2000 * np.sin(phi) ** 2  # 4 m/s of west wind at the equator
    mass = DRY_AIR_GAS_CONSTANT * base * height + jet * (1 + slope * height)
    eastward, northward = winds_of(mass, latitude, longitude, levels)
    fields = {
        "geopotential": mass,
        "temperature": base + slope * jet / DRY_AIR_GAS_CONSTANT + 0 * height,
        "specific_humidity": 0.008 * np.exp(-2 * height) * (1 + wave / 4000),
        "u_component_of_wind": eastward,
        "v_component_of_wind": northward,
    }
    surface = {
        "10m_u_component_of_wind": fields["u_component_of_wind"][:, -1] / 2,
        "10m_v_component_of_wind": fields["v_component_of_wind"][:, -1] / 2,
        "2m_temperature": 280 + wave[:, 0] / 100 + 20 * np.cos(phi),
        "mean_sea_level_pressure": 101325 + wave[:, 0],
    }
    dims = ("time", "level", "latitude", "longitude")
    data = {
        name: (dims, np.broadcast_to(field, (count, len(levels), rows, columns)))
        for name, field in fields.items()
    }
    data |= {name: (("time", *dims[2:]), field) for name, field in surface.items()}
    ground = 3000 * np.cos(phi) ** 2 * (1 + np.sin(lam))
    data["geopotential_at_surface"] = (dims[2:], ground)
    dataset = xr.Dataset(
        {name: (axes, np.asarray(v, np.float32)) for name, (axes, v) in data.items()},
        coords={
            "time": np.datetime64(start, "ns") + hours.astype("timedelta64[h]"),
            "level": np.asarray(levels),
            "latitude": latitude,
            "longitude": longitude,
        },
    )
    for name, units in UNITS.items():
        dataset[name].attrs["units"] = units
    return dataset


def winds_of(
    mass: np.ndarray, latitude: np.ndarray, longitude: np.ndarray, levels: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Geostrophic winds of geopotential [time, level, latitude, longitude], north first."""
    vertical = VerticalCoordinate("pressure", tuple(100.0 * level for level in levels))
    grid = Grid(tuple(latitude[::-1].tolist()), tuple(longitude.tolist()), vertical)
    values = np.moveaxis(mass[:, :, ::-1], 1, -1)
    state = State(jnp.asarray(values, jnp.float32), Layout(grid, ("geopotential",)))
    winds = geostrophic_wind(state, jnp.zeros(grid.shape))
    eastward, northward = (np.moveaxis(np.asarray(wind), -1, 1)[:, :, ::-1] for wind in winds)
    return eastward, northward


def write_store(
    dataset: xr.Dataset,
    path: Path | str,
    zarr_format: int = 2,
    *,
    consolidated: bool = True,
    times: int = 1,
) -> str:
    """A zarr store with so many times a chunk; as xarray writes it, one."""
    encoding = {
        name: {"chunks": (times, *field.shape[1:])}
        for name, field in dataset.data_vars.items()
        if field.dims[:1] == ("time",)
    }
    dataset.to_zarr(
        path, mode="w", zarr_format=zarr_format, consolidated=consolidated, encoding=encoding
    )
    return str(path)
