"""Padding on the sphere."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.atmosphere import Grid, Layout, VerticalCoordinate
from align_da.atmosphere.sphere_padding import pad_sphere, pole_signs
from align_da.errors import InputError

LATITUDE = np.deg2rad(-90 + (np.arange(12) + 0.5) * 15)  # half-shifted: no row on a pole
LONGITUDE = np.deg2rad(np.arange(24) * 15)


def beyond(width: int) -> list[np.ndarray]:
    """Latitudes and longitudes of the padded grid, continued past the poles and the date line."""
    step = np.deg2rad(15)
    south = LATITUDE[0] - step * np.arange(width, 0, -1)
    north = LATITUDE[-1] + step * np.arange(1, width + 1)
    west = LONGITUDE[0] - step * np.arange(width, 0, -1)
    east = LONGITUDE[-1] + step * np.arange(1, width + 1)
    rows = np.concatenate([south, LATITUDE, north])
    return list(np.meshgrid(rows, np.concatenate([west, LONGITUDE, east]), indexing="ij"))


def smooth_scalar(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """A field of position on the sphere: the formula holds beyond the poles as well."""
    x, y, z = np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)
    return x + 0.5 * y * z + z**2 - x * y


def solid_wind(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Components (u, v) of a rotation about the x axis; the formula holds beyond the poles."""
    return np.stack([-np.sin(lat) * np.cos(lon), np.sin(lon)], axis=-1)


@pytest.mark.parametrize("width", [1, 2, 5])
def test_scalar_goes_on_smoothly_across_date_line_and_poles(width: int) -> None:
    field = smooth_scalar(*np.meshgrid(LATITUDE, LONGITUDE, indexing="ij"))[..., None]
    padded = pad_sphere(jnp.asarray(field), width)
    np.testing.assert_allclose(padded[..., 0], smooth_scalar(*beyond(width)), atol=1e-6)


@pytest.mark.parametrize("width", [1, 3])
def test_wind_turns_its_sign_across_the_poles(width: int) -> None:
    wind = solid_wind(*np.meshgrid(LATITUDE, LONGITUDE, indexing="ij"))
    padded = pad_sphere(jnp.asarray(wind), width, jnp.array([-1.0, -1.0]))
    np.testing.assert_allclose(padded, solid_wind(*beyond(width)), atol=1e-6)


def test_padding_commutes_with_rotation() -> None:
    field = jax.random.normal(jax.random.key(0), (2, 6, 8, 3))
    turned = pad_sphere(jnp.roll(field, 3, axis=2), 2)[:, :, 2:-2]
    expected = jnp.roll(pad_sphere(field, 2)[:, :, 2:-2], 3, axis=2)
    assert np.array_equal(turned, expected)


def test_no_padding_changes_nothing() -> None:
    field = jnp.ones((6, 8, 1))
    assert pad_sphere(field, 0) is field


@pytest.mark.parametrize(("shape", "width"), [((6, 7, 1), 1), ((2, 8, 1), 3)])
def test_grids_without_opposite_meridian_or_too_small_are_refused(
    shape: tuple[int, ...], width: int
) -> None:
    with pytest.raises(InputError, match="even number of longitudes"):
        pad_sphere(jnp.zeros(shape), width)


def test_only_winds_change_sign() -> None:
    grid = Grid((-45.0, 45.0), (0.0, 180.0), VerticalCoordinate("sigma", (0.5, 1.0)))
    layout = Layout(grid, ("u_component_of_wind", "temperature", "10m_v_component_of_wind"))
    assert pole_signs(layout) == (-1, -1, 1, 1, -1)
