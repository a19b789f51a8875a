"""Conservative regridding keeps the area mean, and is that of WeatherBench 2 (dinosaur's)."""

import numpy as np
import pytest

from align_da.atmosphere import Grid, VerticalCoordinate
from align_da.config.era5 import GridName
from data_pipelines.regridding import conservative_regridding, named_grid

GROUND = VerticalCoordinate("pressure", (1e5,))
TARGETS: tuple[GridName, ...] = ("64x32", "240x121", "128x256")


def regular(rows: int, columns: int, *, poles: bool, first: float = 0.0) -> Grid:
    half = 0.0 if poles else 90.0 / rows
    latitude = np.linspace(-90 + half, 90 - half, rows)
    longitude = first + 360.0 / columns * np.arange(columns)
    return Grid(tuple(latitude.tolist()), tuple(longitude.tolist()), GROUND)


def gaussian(rows: int) -> Grid:
    latitude = np.rad2deg(np.arcsin(np.polynomial.legendre.leggauss(rows)[0]))
    longitude = 180.0 / rows * np.arange(2 * rows)
    return Grid(tuple(latitude.tolist()), tuple(longitude.tolist()), GROUND)


SOURCES = {
    "0.25 degrees halved": regular(361, 720, poles=True),
    "Gaussian": gaussian(48),
    "shifted": regular(90, 180, poles=False, first=1.0),
    "coarser": regular(19, 36, poles=True),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", SOURCES)
def test_the_area_mean_is_kept(name: str, target: GridName) -> None:
    source = SOURCES[name]
    grid = named_grid(target, source)
    field = np.random.default_rng(0).normal(250, 30, (*source.shape, 2))
    found = conservative_regridding(source, grid)(field)
    before = np.einsum("yxc,yx->c", field, source.area_weights)
    after = np.einsum("yxc,yx->c", found, grid.area_weights)
    np.testing.assert_allclose(after, before, rtol=1e-12)


@pytest.mark.parametrize("target", TARGETS)
def test_it_is_the_regridding_of_dinosaur(target: GridName) -> None:
    horizontal = pytest.importorskip("dinosaur.horizontal_interpolation")
    source = SOURCES["Gaussian"]
    grid = named_grid(target, source)
    by_latitude = horizontal.conservative_latitude_weights(
        np.deg2rad(source.latitude), np.deg2rad(grid.latitude)
    )
    by_longitude = horizontal.conservative_longitude_weights(
        np.deg2rad(source.longitude), np.deg2rad(grid.longitude)
    )
    found = conservative_regridding(source, grid)
    np.testing.assert_allclose(found.latitude.toarray(), by_latitude, atol=2e-5)
    np.testing.assert_allclose(found.longitude.toarray(), by_longitude, atol=2e-5)


def test_it_is_the_mean_over_the_cell() -> None:
    """A field of 1 degree, constant in the cells of 10: any target in a cell has its value."""
    source, target = regular(18, 36, poles=False), regular(180, 360, poles=False, first=0.5)
    shifted = Grid(source.latitude, tuple(4.5 + 0.5 + 10.0 * np.arange(36)), GROUND)
    field = np.random.default_rng(1).normal(size=(*shifted.shape, 1)).astype(np.float32)
    found = conservative_regridding(shifted, target)(field)
    assert found.dtype == np.float32
    np.testing.assert_allclose(
        found, np.kron(field[..., 0], np.ones((10, 10)))[..., None], rtol=1e-6
    )


def test_the_same_grid_changes_nothing() -> None:
    grid = SOURCES["coarser"]
    field = np.random.default_rng(2).normal(size=(3, *grid.shape, 2)).astype(np.float32)
    np.testing.assert_array_equal(conservative_regridding(grid, grid)(field), field)


def test_grids_are_those_of_their_names() -> None:
    shapes = {name: named_grid(name, SOURCES["Gaussian"]).shape for name in TARGETS}
    assert shapes == {"64x32": (32, 64), "240x121": (121, 240), "128x256": (128, 256)}
    # From the stores of WeatherBench 2 and 1.
    assert named_grid("64x32", SOURCES["Gaussian"]).latitude[0] == -87.1875
    assert named_grid("240x121", SOURCES["Gaussian"]).latitude[:2] == (-90.0, -88.5)
    assert named_grid("128x256", SOURCES["Gaussian"]).latitude[0] == -89.296875
