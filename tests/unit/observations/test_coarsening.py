"""Means over the cells of a coarse map."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.config import CoarseMapConfig
from align_da.errors import InputError
from align_da.observations import ObservationOperator
from align_da.observations.coarse_maps import every_value
from align_da.observations.coarsening import coarsening_operator
from align_da.runs.observation_errors import errors_of

SIGMA = VerticalCoordinate("sigma", (0.2, 0.5, 0.9))
VARIABLES = ("u_component_of_wind", "temperature", "surface_pressure")


def grid_of(rows: int, columns: int, west: float = 0.0, *, gaussian: bool = False) -> Grid:
    even = -90 + (np.arange(rows) + 0.5) * 180 / rows
    zeros = np.rad2deg(np.arcsin(np.polynomial.legendre.leggauss(rows)[0]))
    latitude = zeros if gaussian else even
    longitude = west + np.arange(columns) * 360 / columns
    return Grid(tuple(latitude.tolist()), tuple(longitude.tolist()), SIGMA)


FINE = Layout(grid_of(16, 32, gaussian=True), VARIABLES)
COARSE = [grid_of(4, 8), grid_of(5, 7, 13.0), grid_of(6, 9, 300.0, gaussian=True), FINE.grid]


@jax.jit
def equivalents(operator: ObservationOperator, state: State) -> jax.Array:
    return operator(state)


def coarsened(state: State, coarse: Grid) -> np.ndarray:
    """The whole map, [..., lat, lon, channel]."""
    cells = Layout(coarse, state.layout.variables)
    operator = coarsening_operator(coarse)(
        every_value(cells, errors_of(CoarseMapConfig())), state.layout
    )
    found = equivalents(operator, state)
    return np.asarray(found.reshape(*found.shape[:-1], *cells.shape))


def noise(layout: Layout = FINE) -> State:
    return State(jax.random.normal(jax.random.key(1), layout.shape), layout)


@pytest.mark.parametrize("coarse", COARSE, ids=lambda grid: str(grid.shape))
def test_the_area_mean_of_the_map_is_that_of_the_state(coarse: Grid) -> None:
    with jax.enable_x64(True):
        state = noise()
        fine_mean = np.einsum("ij,ijk->k", FINE.grid.area_weights, state.values)
        mean = np.einsum("ij,ijk->k", coarse.area_weights, coarsened(state, coarse))
    np.testing.assert_allclose(mean, fine_mean, atol=1e-14)


@pytest.mark.parametrize("coarse", COARSE, ids=lambda grid: str(grid.shape))
def test_a_constant_stays_what_it_is(coarse: Grid) -> None:
    state = State(jnp.full(FINE.shape, 281.5), FINE)
    np.testing.assert_allclose(coarsened(state, coarse), 281.5, rtol=1e-6)


def test_a_map_on_the_grid_of_the_state_is_the_state() -> None:
    with jax.enable_x64(True):
        np.testing.assert_allclose(coarsened(noise(), FINE.grid), noise().values, atol=1e-14)


def test_a_cell_of_four_whole_cells_is_their_mean_by_area() -> None:
    # Rows at -67.5 and -22.5 are bounded at -90, -45 and 0 degrees: weights sin 45 and its rest.
    fine = Layout(grid_of(4, 4, 45.0), ("surface_pressure",))
    state = State(jnp.asarray(np.arange(16.0).reshape(4, 4, 1)), fine)
    south = np.sin(np.deg2rad(45))
    expected = (1 - south) * 0.5 + south * 4.5  # columns 0 and 1 of rows 0 and 1
    assert coarsened(state, grid_of(2, 2, 90.0))[0, 0, 0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("coarse", COARSE[:3], ids=lambda grid: str(grid.shape))
def test_the_map_is_that_of_the_regridder_of_the_dynamical_core(coarse: Grid) -> None:
    """Dinosaur's conservative remapping, with the cells of both grids given by their centres."""
    regridding = pytest.importorskip("dinosaur.horizontal_interpolation")
    with jax.enable_x64(True):
        source, target = (np.deg2rad(np.asarray(g.latitude)) for g in (FINE.grid, coarse))
        rows = regridding.conservative_latitude_weights(source, target)
        source, target = (np.deg2rad(np.asarray(g.longitude)) for g in (FINE.grid, coarse))
        columns = regridding.conservative_longitude_weights(source, target)
        state = noise()
        expected = np.einsum("ri,cj,ijk->rck", rows, columns, state.values)
        found = coarsened(state, coarse)
    np.testing.assert_allclose(found, expected, atol=1e-6)  # its weights are float32


def test_a_finer_map_is_refused() -> None:
    with pytest.raises(InputError, match=r"at most \(16, 32\).*\(17, 8\)"):
        coarsened(noise(), grid_of(17, 8))


def test_a_map_on_other_levels_is_refused() -> None:
    coarse = grid_of(4, 8)
    pressure = VerticalCoordinate("pressure", (2.0e4, 5.0e4, 9.0e4))
    other = Grid(coarse.latitude, coarse.longitude, pressure)
    with pytest.raises(InputError, match="map on sigma levels"):
        coarsened(noise(), other)
