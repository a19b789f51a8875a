"""Grid and vertical coordinate keep their invariants."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from align_da.atmosphere import Grid, VerticalCoordinate
from align_da.errors import InputError

LEVEL = VerticalCoordinate("sigma", (0.5,))
LONGITUDE = (0.0, 90.0, 180.0, 270.0)


@given(rows=st.integers(2, 40), columns=st.integers(1, 20))
def test_area_weights_sum_to_one_and_are_those_of_the_sphere(rows: int, columns: int) -> None:
    latitude = -90 + 180 * (np.arange(rows) + 0.5) / rows
    grid = Grid(
        tuple(latitude.tolist()), tuple((np.arange(columns) * 360 / columns).tolist()), LEVEL
    )
    assert grid.area_weights.shape == (rows, columns)
    assert grid.area_weights.sum() == pytest.approx(1)
    # The share of a polar cap of angular radius r is (1 - cos r) / 2.
    cap = (1 - np.cos(np.pi / rows)) / 2
    assert grid.area_weights[-1].sum() == pytest.approx(cap)


@pytest.mark.parametrize("latitude", [(10.0, -10.0), (-10.0, -10.0), (-91.0, 0.0), (0.0, 90.5)])
def test_latitudes_that_do_not_go_north_on_the_sphere_are_refused(
    latitude: tuple[float, ...],
) -> None:
    with pytest.raises(InputError, match="flip the latitude axis"):
        Grid(latitude, LONGITUDE, LEVEL)


@pytest.mark.parametrize(
    "longitude",
    [(-180.0, -90.0, 0.0, 90.0), (0.0, 90.0, 180.0), (0.0, 80.0, 180.0, 270.0), (360.0, 540.0)],
)
def test_longitudes_that_do_not_close_the_circle_are_refused(
    longitude: tuple[float, ...],
) -> None:
    with pytest.raises(InputError, match=r"0\.\.360"):
        Grid((-30.0, 30.0), longitude, LEVEL)


@pytest.mark.parametrize(
    ("kind", "levels"),
    [("sigma", (0.5, 0.2)), ("sigma", (0.5, 1.1)), ("pressure", (0.0, 1e5)), ("pressure", ())],
)
def test_levels_that_do_not_go_down_are_refused(kind: str, levels: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="levels must"):
        VerticalCoordinate(kind, levels)
