"""A small store of gridded states."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.atmosphere.dataset import dataset_from_state

TIMES = np.datetime64("2020-01-01", "ns") + np.arange(4) * np.timedelta64(6, "h")


@pytest.fixture
def states() -> State:
    grid = Grid((-45.0, 45.0), (0.0, 90.0, 180.0, 270.0), VerticalCoordinate("sigma", (0.3, 0.9)))
    layout = Layout(grid, ("temperature", "surface_pressure"))
    values = jnp.arange(4 * 2 * 4 * 3, dtype=jnp.float32).reshape(4, *layout.shape)
    return State(values, layout)


@pytest.fixture
def gridded(states: State, tmp_path: Path) -> Path:
    path = tmp_path / "states.zarr"
    dataset_from_state(states, {"time": TIMES}).to_zarr(path, zarr_format=3, consolidated=False)
    return path
