"""Horizontal gradient on the sphere."""

import jax.numpy as jnp
import numpy as np
import pytest

from align_da.atmosphere import Grid, VerticalCoordinate
from align_da.atmosphere.gradient import horizontal_gradient
from align_da.constants import EARTH_RADIUS

LEVEL = VerticalCoordinate("sigma", (0.5,))


def gaussian_grid(rows: int) -> Grid:
    latitude = np.rad2deg(np.arcsin(np.polynomial.legendre.leggauss(rows)[0]))
    longitude = np.arange(2 * rows) * 180 / rows
    return Grid(tuple(latitude.tolist()), tuple(longitude.tolist()), LEVEL)


def errors_of_an_analytic_gradient(grid: Grid) -> tuple[float, float]:
    """Largest relative errors for f = cos²(lat) cos(2 lon) + sin(lat), away from the end rows."""
    lat, lon = np.meshgrid(np.deg2rad(grid.latitude), np.deg2rad(grid.longitude), indexing="ij")
    field = np.cos(lat) ** 2 * np.cos(2 * lon) + np.sin(lat)
    east = -2 * np.cos(lat) * np.sin(2 * lon)
    north = -2 * np.cos(lat) * np.sin(lat) * np.cos(2 * lon) + np.cos(lat)
    found = horizontal_gradient(jnp.asarray(field)[..., None], grid)
    return tuple(
        float(np.abs(f[1:-1, :, 0] * EARTH_RADIUS - e[1:-1]).max())
        for f, e in zip(found, (east, north), strict=True)
    )


def test_the_gradient_converges_with_second_order_on_the_gaussian_grid() -> None:
    coarse = errors_of_an_analytic_gradient(gaussian_grid(16))
    fine = errors_of_an_analytic_gradient(gaussian_grid(32))
    for before, after in zip(coarse, fine, strict=True):
        assert before < 0.06
        assert np.log2(before / after) == pytest.approx(2, abs=0.2)


def test_a_row_on_the_pole_has_no_eastward_derivative() -> None:
    grid = Grid((-90.0, 0.0, 90.0), (0.0, 90.0, 180.0, 270.0), LEVEL)
    field = jnp.asarray(np.random.default_rng(0).normal(size=(3, 4, 1)))
    east, north = horizontal_gradient(field, grid)
    assert np.all(east[jnp.asarray([0, 2])] == 0)
    assert np.isfinite(north).all()


def test_leading_axes_and_levels_are_independent() -> None:
    grid = gaussian_grid(8)
    field = jnp.asarray(np.random.default_rng(0).normal(size=(2, 3, *grid.shape, 4)))
    together = horizontal_gradient(field, grid)
    alone = horizontal_gradient(field[1, 2, ..., 3:], grid)
    for a, b in zip(together, alone, strict=True):
        np.testing.assert_allclose(a[1, 2, ..., 3:], b, rtol=1e-5, atol=1e-12)
