"""A small grid, regular and without poles."""

import numpy as np
import pytest

from align_da.atmosphere import Grid, VerticalCoordinate

SIGMA = VerticalCoordinate("sigma", (0.1, 0.3, 0.6, 0.95))


@pytest.fixture(scope="session")
def sigma_grid() -> Grid:
    latitude = tuple((np.arange(36) * 5.0 - 87.5).tolist())
    return Grid(latitude, tuple((np.arange(48) * 7.5).tolist()), SIGMA)


@pytest.fixture(scope="session")
def pressure_grid(sigma_grid: Grid) -> Grid:
    vertical = VerticalCoordinate("pressure", (1.0e4, 3.0e4, 5.0e4, 8.5e4))
    return Grid(sigma_grid.latitude, sigma_grid.longitude, vertical)
