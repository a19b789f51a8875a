import numpy as np
import pytest

from align_da.atmosphere import Grid, VerticalCoordinate
from align_da.errors import InputError
from align_da.verification.scores import (
    area_mean,
    bias,
    mean_square_error,
    root_mean_square_error,
)

GRID = Grid(
    latitude=tuple(np.linspace(-87.0, 87.0, 30)),
    longitude=tuple(np.arange(16) * 22.5),
    vertical=VerticalCoordinate("sigma", (0.5, 1.0)),
)
SHAPE = (30, 16, 2)


def test_weights_come_from_the_coordinates_and_sum_to_one() -> None:
    assert GRID.area_weights.sum() == pytest.approx(1.0)
    # The cell of the equator's neighbours is bounded by 0 and 6 degrees north.
    expected = (np.sin(np.deg2rad(6.0)) - np.sin(0.0)) / 2 / 16
    assert GRID.area_weights[15, 0] == pytest.approx(expected)


def test_area_mean_of_the_squared_sine_of_latitude_is_one_third() -> None:
    sine = np.sin(np.deg2rad(np.asarray(GRID.latitude)))
    field = np.broadcast_to((sine**2)[:, None, None], SHAPE)
    np.testing.assert_allclose(area_mean(field, GRID), 1 / 3, rtol=5e-3)


def test_the_same_error_weighs_less_at_the_pole_than_at_the_equator() -> None:
    truth, pole, equator = np.zeros(SHAPE), np.zeros(SHAPE), np.zeros(SHAPE)
    pole[-2:] = 1.0
    equator[14:16] = 1.0
    at_pole = root_mean_square_error(pole, truth, GRID)
    at_equator = root_mean_square_error(equator, truth, GRID)
    assert np.all(at_pole < 0.4 * at_equator)


def test_a_constant_error_is_its_own_bias_and_rmse_in_every_case() -> None:
    truth = np.random.default_rng(0).normal(280.0, 10.0, (3, *SHAPE)).astype(np.float32)
    estimate = truth.astype(np.float64) - 2.0
    np.testing.assert_allclose(bias(estimate, truth, GRID), np.full((3, 2), -2.0))
    np.testing.assert_allclose(mean_square_error(estimate, truth, GRID), np.full((3, 2), 4.0))


def test_a_field_on_another_grid_is_refused() -> None:
    with pytest.raises(InputError, match=r"\(30, 16\)"):
        area_mean(np.zeros((16, 30, 2)), GRID)
