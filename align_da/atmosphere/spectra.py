"""Zonal power spectra, with the convention of WeatherBench 2 (`ZonalEnergySpectrum`).

With F_k the discrete Fourier coefficients along a latitude circle of circumference C (F normalised
by the number of points), power is

    S_0 = C |F_0|²,   S_k = 2 C |F_k|²,

so that the sum over k is the integral of the square along the circle (Parseval), in units squared
times metres. The Nyquist wavenumber of an even number of points has no partner and counts once
(WeatherBench 2 counts it twice, which breaks Parseval there).
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.atmosphere.grid import Grid
from align_da.constants import EARTH_RADIUS


def zonal_spectrum(
    field: Float[Array, "*batch lat lon"], grid: Grid
) -> Float[Array, "*batch lat wavenumber"]:
    """Power by zonal wavenumber 0 .. lon // 2 on every latitude, units squared times m."""
    grid.check_closed("zonal spectra")
    points = len(grid.longitude)
    coefficients = jnp.fft.rfft(field, axis=-1, norm="forward")
    partners = np.full(points // 2 + 1, 2.0)
    partners[0] = 1.0
    if points % 2 == 0:
        partners[-1] = 1.0
    circumference = 2 * np.pi * EARTH_RADIUS * np.cos(np.deg2rad(grid.latitude))
    factor = jnp.asarray(circumference[:, None] * partners)
    return (coefficients.real**2 + coefficients.imag**2) * factor


def mean_zonal_spectrum(
    field: Float[Array, "*batch lat lon"],
    grid: Grid,
    latitudes: tuple[float, float] = (-90.0, 90.0),
) -> Float[Array, "*batch wavenumber"]:
    """Power by zonal wavenumber, averaged by area over a band of latitudes (degrees north)."""
    latitude = np.asarray(grid.latitude)
    inside = (latitude >= latitudes[0]) & (latitude <= latitudes[1])
    weights = grid.area_weights.sum(axis=1) * inside
    power = zonal_spectrum(field, grid)
    return jnp.einsum("...lk,l->...k", power, jnp.asarray(weights / weights.sum()))
