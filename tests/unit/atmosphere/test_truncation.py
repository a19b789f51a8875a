"""Spectral truncation keeps what a spectral model holds, and the wind is cut as a vector."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from dinosaur.spherical_harmonic import Grid as SphericalGrid

from align_da.atmosphere import Grid, Layout, VerticalCoordinate
from align_da.atmosphere.truncation import SpectralTruncation, spectral_truncation
from align_da.errors import InputError
from align_da.forecast.spectral import (
    truncated,
    vorticity_divergence_from_wind,
    wind_from_vorticity_divergence,
)

VARIABLES = ("u_component_of_wind", "v_component_of_wind", "temperature")


def gaussian_layout(latitudes: int, variables: tuple[str, ...] = VARIABLES) -> Layout:
    nodes, _ = np.polynomial.legendre.leggauss(latitudes)
    longitude = tuple(np.arange(2 * latitudes) * 180.0 / latitudes)
    vertical = VerticalCoordinate("sigma", (0.3, 0.9))
    return Layout(Grid(tuple(np.rad2deg(np.arcsin(nodes))), longitude, vertical), variables)


LAYOUT = gaussian_layout(32)


def noise(layout: Layout = LAYOUT) -> jax.Array:
    return jax.random.normal(jax.random.key(0), (3, *layout.shape))


def truncation() -> SpectralTruncation:
    return spectral_truncation(LAYOUT, 21)


def test_truncating_twice_changes_nothing_more() -> None:
    once = truncation()(noise())
    np.testing.assert_allclose(truncation()(once), once, atol=2e-6)


def test_winds_and_scalars_are_cut_as_dinosaur_cuts_them() -> None:
    field = noise()[0]
    kept = np.asarray(truncation()(field))
    grid = SphericalGrid.T21()
    u, v, temperature = (jnp.transpose(field[..., LAYOUT.channels_of(name)]) for name in VARIABLES)
    vorticity, divergence = vorticity_divergence_from_wind(grid, u, v)
    wind = wind_from_vorticity_divergence(
        grid, truncated(vorticity, grid), truncated(divergence, grid)
    )
    scalar = grid.to_nodal(truncated(grid.to_modal(temperature), grid))
    expected = np.transpose(np.concatenate([*wind, scalar]))
    np.testing.assert_allclose(kept, expected, atol=2e-5)


def test_no_power_is_left_beyond_the_truncation() -> None:
    power = np.abs(np.fft.rfft(np.asarray(truncation()(noise())), axis=-2)).max(axis=(0, 1, 3))
    assert power[:22].min() > 0.1
    assert power[22:].max() < 1e-4


def test_the_projection_is_orthogonal_over_the_sphere() -> None:
    layout = gaussian_layout(32, ("temperature",))
    cut = spectral_truncation(layout, 21)
    first, second = noise(layout)[:2]
    _, weights = np.polynomial.legendre.leggauss(32)
    inner = jnp.einsum("yxc,yxc,y->", cut(first), second - cut(second), jnp.asarray(weights))
    assert abs(float(inner)) < 1e-3


def test_it_is_its_own_derivative_and_finite_under_jit_and_vmap() -> None:
    field, direction = noise()[:2]
    cut = jax.jit(SpectralTruncation.__call__)
    _, tangent = jax.jvp(lambda increment: cut(truncation(), increment), (field,), (direction,))
    np.testing.assert_allclose(tangent, truncation()(direction), atol=2e-6)
    batched = jax.vmap(truncation())(noise())
    np.testing.assert_allclose(batched, truncation()(noise()), atol=2e-6)


def test_a_layout_without_wind_is_cut_as_scalars() -> None:
    layout = gaussian_layout(16, ("temperature", "surface_pressure"))
    constant = jnp.ones(layout.shape)
    np.testing.assert_allclose(spectral_truncation(layout, 10)(constant), constant, atol=1e-6)


def test_the_wind_at_ten_metres_is_cut_as_the_wind_on_levels() -> None:
    near_ground = ("10m_u_component_of_wind", "10m_v_component_of_wind")
    upper = spectral_truncation(gaussian_layout(32), 21)
    lower = spectral_truncation(gaussian_layout(32, (*VARIABLES, *near_ground)), 21)
    field = noise()[0]
    wind = field[..., [0, 2]]  # u and v of one level
    found = lower(jnp.concatenate([field, wind], axis=-1))
    np.testing.assert_allclose(found[..., -2:], upper(field)[..., [0, 2]], atol=1e-6)


def test_a_grid_that_cannot_hold_the_truncation_is_refused() -> None:
    with pytest.raises(InputError, match=r"T21 needs a Gaussian grid .* set analysis.truncation"):
        spectral_truncation(gaussian_layout(16), 21)


def test_a_grid_with_other_latitudes_is_refused() -> None:
    grid = Grid(tuple(np.linspace(-85, 85, 32)), LAYOUT.grid.longitude, LAYOUT.grid.vertical)
    with pytest.raises(InputError, match="Gaussian latitudes"):
        spectral_truncation(Layout(grid, VARIABLES), 21)
