"""Zonal spectra."""

import jax.numpy as jnp
import numpy as np
import pytest

from align_da.atmosphere import Grid, VerticalCoordinate
from align_da.atmosphere.spectra import (
    mean_zonal_spectrum,
    zonal_spectrum,
)
from align_da.constants import EARTH_RADIUS


def grid_with(points: int) -> Grid:
    longitude = tuple((np.arange(points) * 360 / points).tolist())
    return Grid((-60.0, 0.0, 30.0, 60.0), longitude, VerticalCoordinate("sigma", (0.5,)))


@pytest.mark.parametrize("points", [16, 15])
def test_the_sum_over_wavenumbers_is_the_integral_of_the_square(points: int) -> None:
    """Parseval on every latitude circle, for even and odd numbers of points."""
    grid = grid_with(points)
    field = jnp.asarray(np.random.default_rng(0).normal(size=(3, *grid.shape)))
    circumference = 2 * np.pi * EARTH_RADIUS * np.cos(np.deg2rad(grid.latitude))
    integral = (np.asarray(field) ** 2).mean(axis=-1) * circumference
    np.testing.assert_allclose(zonal_spectrum(field, grid).sum(axis=-1), integral, rtol=1e-5)


def test_a_wave_of_one_wavenumber_has_half_its_squared_amplitude_there() -> None:
    grid = grid_with(32)
    field = jnp.asarray(3 * np.cos(5 * np.deg2rad(grid.longitude) + 0.4) * np.ones((4, 1)))
    power = zonal_spectrum(field, grid)[1] / (2 * np.pi * EARTH_RADIUS)  # on the equator
    expected = np.zeros(17)
    expected[5] = 4.5
    np.testing.assert_allclose(power, expected, atol=1e-5)


def test_the_mean_spectrum_is_weighted_by_area_over_the_band() -> None:
    grid = grid_with(16)
    field = jnp.asarray(np.random.default_rng(1).normal(size=grid.shape))
    every = zonal_spectrum(field, grid)
    weights = grid.area_weights.sum(axis=1)
    np.testing.assert_allclose(mean_zonal_spectrum(field, grid), weights @ every, rtol=1e-5)
    north = mean_zonal_spectrum(field, grid, (20.0, 70.0))
    expected = weights[2:] @ np.asarray(every)[2:] / weights[2:].sum()
    np.testing.assert_allclose(north, expected, rtol=1e-5)
