"""A small world to observe."""

import jax
import numpy as np
import pytest

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate


@pytest.fixture(scope="session")
def layout() -> Layout:
    latitude = np.rad2deg(np.arcsin(np.polynomial.legendre.leggauss(8)[0]))
    grid = Grid(
        tuple(latitude.tolist()),
        tuple((np.arange(16) * 22.5).tolist()),
        VerticalCoordinate("sigma", (0.2, 0.5, 0.9)),
    )
    wind = ("u_component_of_wind", "v_component_of_wind")
    return Layout(grid, (*wind, "temperature", "specific_humidity", "surface_pressure"))


@pytest.fixture(scope="session")
def truth(layout: Layout) -> State:
    return State(jax.random.normal(jax.random.key(7), layout.shape), layout)
