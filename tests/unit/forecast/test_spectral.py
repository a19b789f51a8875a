"""Change of truncation, and wind from vorticity and divergence."""

import jax.numpy as jnp
import numpy as np
import pytest

spherical_harmonic = pytest.importorskip("dinosaur.spherical_harmonic")
from align_da.forecast.spectral import (  # noqa: E402
    truncated,
    vorticity_divergence_from_wind,
    wind_from_vorticity_divergence,
)

COARSE = spherical_harmonic.Grid.T21(radius=6.371e6)
FINE = spherical_harmonic.Grid.T31(radius=6.371e6)


def coefficients(seed: int) -> jnp.ndarray:
    noise = np.random.default_rng(seed).normal(size=(2, *COARSE.modal_shape)) * COARSE.mask
    modal = truncated(jnp.asarray(1e-5 * noise, jnp.float32), COARSE)
    return modal.at[:, 0, 0].set(0.0)


def test_wind_and_back_is_exact() -> None:
    vorticity, divergence = coefficients(0), coefficients(1)
    u, v = wind_from_vorticity_divergence(COARSE, vorticity, divergence)
    found = vorticity_divergence_from_wind(COARSE, u, v)
    np.testing.assert_allclose(found[0], vorticity, atol=1e-10)
    np.testing.assert_allclose(found[1], divergence, atol=1e-10)


def test_a_coarse_field_is_the_same_on_the_fine_truncation_and_back() -> None:
    modal = coefficients(2)
    np.testing.assert_array_equal(truncated(truncated(modal, FINE), COARSE), modal)


def test_padding_keeps_the_field() -> None:
    # Evaluated at the same longitude (0 degrees) and interpolated between Gaussian latitudes.
    modal = coefficients(3)
    coarse = np.asarray(COARSE.to_nodal(modal))[0].mean(axis=0)
    fine = np.asarray(FINE.to_nodal(truncated(modal, FINE)))[0].mean(axis=0)
    between = np.interp(COARSE.latitudes, FINE.latitudes, fine)
    assert np.abs(between - coarse).max() < 0.15 * np.abs(coarse).max()
