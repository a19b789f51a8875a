"""The energy of an error is what its parts are by hand."""

import numpy as np
import pytest

from align_da.atmosphere import Grid, Layout, VerticalCoordinate
from align_da.atmosphere.plain_grids import periodic_line
from align_da.verification.energy_norm import energy_weights

SIGMA = VerticalCoordinate("sigma", (0.2, 0.6))
NAMES = ("u_component_of_wind", "temperature", "surface_pressure", "specific_humidity")


def energy(**errors: float) -> float:
    """Of errors that are the same everywhere."""
    layout = Layout(Grid((-45.0, 0.0, 45.0), (0.0, 180.0), SIGMA), NAMES)
    error = np.zeros(layout.shape)
    for name, value in errors.items():
        error[..., layout.channels_of(name)] = value
    return float((energy_weights(layout) * error**2).sum())


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ({"u_component_of_wind": 2.0}, 2.0),  # ½ u²
        ({"temperature": 1.0}, 0.5 * 1004 / 280),
        ({"surface_pressure": 1e3}, 0.5 * 287.05 * 280 * 1e-4),
        ({"specific_humidity": 1e-3}, 0.5 * 2.5e6**2 / (1004 * 280) * 1e-6),
    ],
)
def test_an_error_that_is_the_same_everywhere_has_its_energy(
    errors: dict[str, float], expected: float
) -> None:
    assert energy(**errors) == pytest.approx(expected)


def test_a_layer_counts_by_its_mass() -> None:
    layout = Layout(Grid((-45.0, 45.0), (0.0, 180.0), SIGMA), ("temperature",))
    high, low = energy_weights(layout).sum(axis=(0, 1))
    assert high / low == pytest.approx(0.4 / 0.6)  # layers end half way, at 0.4


def test_where_nothing_has_an_energy_all_count_alike() -> None:
    weights = energy_weights(Layout(periodic_line(5), ("abstract_field",)))
    np.testing.assert_allclose(weights, 0.5 / 5)


def test_what_has_no_energy_does_not_count_beside_what_has_one() -> None:
    layout = Layout(Grid((-45.0, 45.0), (0.0, 180.0), SIGMA), ("temperature", "2m_temperature"))
    assert (energy_weights(layout)[..., layout.channels_of("2m_temperature")] == 0).all()
