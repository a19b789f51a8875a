"""The real state that the nature run starts from: ERA5 on sigma levels."""

from importlib.resources import as_file, files

import jax.numpy as jnp
import numpy as np
import xarray as xr
from dinosaur.vertical_interpolation import (
    PressureCoordinates,
    get_surface_pressure,
    interp_pressure_to_sigma,
)

from align_da.atmosphere import State, state_from_fields
from align_da.constants import GRAVITY
from align_da.errors import InputError
from align_da.forecast.jcm import JcmForecastModel

ERA5_FILE = "era5_tl31_19590102T00.nc"


def era5_state(model: JcmForecastModel) -> State:
    """ERA5 of 1959-01-02 00 UTC on the grid and sigma levels of `model`.

    Surface pressure is where geopotential meets the orography of the model; below the lowest
    pressure level fields are extrapolated linearly.

    Returns:
        Values [1, lat, lon, channel] in SI units.

    Raises:
        InputError: the file is on another grid than the model.
    """
    with as_file(files("data_pipelines") / "resources" / ERA5_FILE) as path:
        source = xr.load_dataset(path, engine="netcdf4")
    source = source.transpose("level", "longitude", "latitude", ...)
    latitude = source["latitude"].to_numpy()
    expected = np.asarray(model.layout.grid.latitude)
    if latitude.shape != expected.shape or not np.allclose(latitude, expected, atol=1e-3):
        message = f"{ERA5_FILE} has {latitude.size} latitudes, the model {expected.size}"
        raise InputError(message)

    pressure = PressureCoordinates(100.0 * source["level"].to_numpy())  # hPa to Pa
    surface_pressure = get_surface_pressure(
        pressure,
        jnp.asarray(source["geopotential"].to_numpy()),
        model.orography.T[None],
        GRAVITY,
    )
    names = [name for name in model.layout.variables if name != "surface_pressure"]
    fields = interp_pressure_to_sigma(
        {name: jnp.asarray(source[name].to_numpy()) for name in names},
        pressure,
        model.sigma,
        surface_pressure,
    )
    fields["specific_humidity"] = jnp.maximum(fields["specific_humidity"], 0.0)
    fields["surface_pressure"] = surface_pressure
    return state_from_fields(
        {name: jnp.transpose(field)[None] for name, field in fields.items()}, model.layout
    )
