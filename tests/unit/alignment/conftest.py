"""A small world for this room: wind on one level, a truth of zero, Gaussian draws."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.alignment import AlignmentCase, Draw
from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate

GRID = Grid(
    (-67.5, -22.5, 22.5, 67.5),
    tuple(45.0 * i for i in range(8)),
    VerticalCoordinate("sigma", (0.5,)),
)
LAYOUT = Layout(GRID, ("u_component_of_wind", "v_component_of_wind"))


@pytest.fixture(scope="session")
def layout() -> Layout:
    return LAYOUT


@pytest.fixture(scope="session")
def cases() -> list[AlignmentCase]:
    """Three cases whose truth is zero."""
    zero = State(jnp.zeros(LAYOUT.shape), LAYOUT)
    start = np.datetime64("1960-01-01T00")
    return [
        AlignmentCase(zero, zero, start + np.timedelta64(6 * i, "h"), zero, 24.0) for i in range(3)
    ]


@pytest.fixture(scope="session")
def gaussian_draw() -> Callable[..., Draw]:
    """Makes draws of N(bias, spread²) at every point; the latent is the state itself."""

    def make(spread: float, bias: float = 0.0, candidates: int = 4) -> Draw:
        def draw(_case: AlignmentCase, key: jax.Array) -> tuple[State, jax.Array]:
            values = bias + spread * jax.random.normal(key, (candidates, *LAYOUT.shape))
            return State(values, LAYOUT), values

        return draw

    return make
