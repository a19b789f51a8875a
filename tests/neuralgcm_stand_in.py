"""A stand-in of NeuralGCM: the package is not among the locked ones."""

from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

TIME = np.datetime64("1959-01-02T00:00", "ns")
LATITUDE, LONGITUDE, LEVEL = np.linspace(-70, 70, 6), np.arange(8) * 45.0, np.array([500, 850])
CLOUDS = ("specific_cloud_ice_water_content", "specific_cloud_liquid_water_content")


class StandIn:
    """Moves every field eastward by one point in six hours and warms by the sea surface.

    Interface of `neuralgcm.PressureLevelModel` 1.2.2.
    """

    input_variables = ("geopotential", "specific_humidity", "temperature", *CLOUDS)
    forcing_variables = ("sea_surface_temperature",)
    data_coords = SimpleNamespace(
        horizontal=SimpleNamespace(
            latitudes=np.deg2rad(LATITUDE), longitudes=np.deg2rad(LONGITUDE)
        ),
        vertical=SimpleNamespace(centers=LEVEL),
    )

    def __init__(self) -> None:
        self.keys: list[jax.Array | None] = []
        self.times: list[np.datetime64] = []

    def inputs_from_xarray(self, dataset: xr.Dataset) -> dict[str, Any]:
        self.times.append(dataset["time"].to_numpy()[()])
        np.testing.assert_allclose(dataset["level"], LEVEL)
        np.testing.assert_allclose(dataset["latitude"], LATITUDE)
        for name in self.input_variables:
            assert dataset[name].dims == ("level", "longitude", "latitude")
        for name in CLOUDS:
            assert not dataset[name].any()
        return {name: dataset[name].to_numpy() for name in self.input_variables}

    def forcings_from_xarray(self, dataset: xr.Dataset) -> dict[str, Any]:
        return {name: dataset[name].to_numpy() for name in self.forcing_variables}

    def encode(
        self, inputs: dict[str, Any], forcings: dict[str, Any], rng_key: jax.Array | None
    ) -> dict[str, Any]:
        assert forcings["sea_surface_temperature"].shape == (8, 6)
        self.keys.append(rng_key)
        return inputs

    def unroll(
        self, state: dict[str, Any], forcings: dict[str, Any], *, steps: int, timedelta: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        places = timedelta // np.timedelta64(6, "h") * steps
        later = {name: jnp.roll(values, places, axis=1) for name, values in state.items()}
        sea = forcings["sea_surface_temperature"]
        assert isinstance(sea, jax.Array)
        later["temperature"] = later["temperature"] + 0.01 * places * sea[0].mean()
        return later, {name: values[None] for name, values in later.items()}


def sea(days: int = 3) -> xr.Dataset:
    """A sea surface that is a kelvin warmer every day, from the day before `TIME` on."""
    times = TIME + np.arange(-1, days - 1) * np.timedelta64(24, "h")
    values = np.broadcast_to(280.0 + np.arange(days)[:, None, None], (days, 8, 6))
    dims = ("time", "longitude", "latitude")
    return xr.Dataset({"sea_surface_temperature": (dims, values.copy())}, {"time": times})
