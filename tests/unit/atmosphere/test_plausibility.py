import numpy as np
import pytest

from align_da.atmosphere import Grid, Layout, VerticalCoordinate, periodic_line
from align_da.atmosphere.plausibility import check_plausible
from align_da.errors import BadStateError

GRID = Grid((-45.0, 45.0), (0.0, 180.0), VerticalCoordinate("sigma", (0.3, 0.9)))
LAYOUT = Layout(GRID, ("temperature", "surface_pressure"))


def ensemble() -> np.ndarray:
    values = np.full((3, *LAYOUT.shape), 280.0, np.float32)
    values[..., 2] = 1e5
    return values


def test_plausible_states_pass() -> None:
    check_plausible(ensemble(), LAYOUT, "background")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, 1e4])
def test_row_51_the_member_the_variable_and_the_place_are_named(value: float) -> None:
    values = ensemble()
    values[2, 1, 0, 1] = value
    told = "analysis of cycle 3: member 2 has temperature at level 1 = .* K at latitude 45.00"
    with pytest.raises(BadStateError, match=told):
        check_plausible(values, LAYOUT, "analysis of cycle 3")


def test_surface_variables_have_no_level_in_the_message() -> None:
    values = ensemble()
    values[..., 2] = 1.0
    with pytest.raises(BadStateError, match=r"surface_pressure = 1.0 Pa .*12 such values"):
        check_plausible(values, LAYOUT, "background")


def test_on_a_ring_neither_the_latitude_nor_the_unit_1_is_told() -> None:
    layout = Layout(periodic_line(4), ("lorenz_96",))
    values = np.full((1, *layout.shape), 0.0, np.float32)
    values[0, 0, 1, 0] = 200.0
    with pytest.raises(BadStateError, match=r"= 200.0 at longitude 90.00, expected"):
        check_plausible(values, layout, "background")
