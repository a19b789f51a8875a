"""Geopotential on sigma levels against the dynamical core that made the states."""

import jax.numpy as jnp
import numpy as np
import pytest

from align_da.atmosphere import Grid, VerticalCoordinate
from align_da.atmosphere.geopotential import hydrostatic_thickness
from align_da.constants import DRY_AIR_GAS_CONSTANT

SPEEDY_HALF_LEVELS = (0.0, 0.05, 0.14, 0.26, 0.42, 0.6, 0.77, 0.9, 1.0)


def test_the_height_above_ground_is_that_of_dinosaur() -> None:
    equations = pytest.importorskip("dinosaur.primitive_equations")
    coordinates = pytest.importorskip("dinosaur.sigma_coordinates")
    layers = coordinates.SigmaCoordinates(np.asarray(SPEEDY_HALF_LEVELS))
    grid = Grid(
        (-30.0, 0.0, 30.0), (0.0, 180.0), VerticalCoordinate("sigma", tuple(layers.centers))
    )
    temperature = np.random.default_rng(0).uniform(200, 300, (8, *grid.shape))
    expected = equations.get_geopotential_diff_sigma(temperature, layers, DRY_AIR_GAS_CONSTANT)
    thickness = hydrostatic_thickness(jnp.asarray(np.moveaxis(temperature, 0, -1)), grid.vertical)
    found = jnp.cumsum(thickness[..., ::-1], axis=-1)[..., ::-1]
    np.testing.assert_allclose(found, np.moveaxis(expected, 0, -1), rtol=1e-5)
