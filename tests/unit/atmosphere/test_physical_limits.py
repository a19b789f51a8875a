"""Limits of variables, the saturation behind one of them, and the mass of layers."""

import jax.numpy as jnp
import numpy as np
import pytest

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.atmosphere.physical_limits import physical_limits
from align_da.atmosphere.pressure import has_pressure, mass_of_layers, pressure_of_levels
from align_da.atmosphere.saturation import saturation_specific_humidity
from align_da.constants import GRAVITY

SIGMA, PRESSURE = ("sigma", (0.2, 0.9)), ("pressure", (2.0e4, 9.0e4))
MOIST = ("temperature", "specific_humidity", "surface_pressure")


def state_of(
    names: tuple[str, ...] = MOIST, vertical: tuple[str, tuple[float, ...]] = SIGMA
) -> State:
    """Of 20 degrees Celsius and 1000 hPa everywhere."""
    grid = Grid((-30.0, 30.0), (0.0, 180.0), VerticalCoordinate(*vertical))
    layout = Layout(grid, names)
    of_variable = {"temperature": 293.15, "specific_humidity": 0.01, "surface_pressure": 1.0e5}
    values = [of_variable.get(channel.variable.name, 0.0) for channel in layout.channels]
    return State(jnp.broadcast_to(jnp.asarray(values), (3, *layout.shape)), layout)


def test_saturation_is_that_of_bolton() -> None:
    # Bolton 1980, table 1: 6.1121, 23.372 and 0.5101 hPa at 0, 20 and -30 degrees Celsius.
    humidity = saturation_specific_humidity(np.array([273.15, 293.15, 243.15]), np.full(3, 1e5))
    vapour = humidity * 1e5 / (0.622 + 0.378 * humidity)
    np.testing.assert_allclose(vapour, [611.2, 2337.2, 51.0], rtol=3e-3)


def test_air_that_boils_has_no_saturation() -> None:
    assert np.isnan(saturation_specific_humidity(np.array(350.0), np.array(1.0e4)))


def test_humidity_is_limited_by_nothing_and_by_saturation_where_it_is() -> None:
    state = state_of()
    (limits,) = physical_limits(state)
    assert (limits.variable, limits.least) == ("specific_humidity", 0.0)
    assert limits.greatest.shape == (3, 2, 2, 2)
    expected = saturation_specific_humidity(np.full(2, 293.15), np.array([2.0e4, 9.0e4]))
    np.testing.assert_allclose(limits.greatest[1, 1, 0], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("names", "vertical"),
    [
        (("specific_humidity", "surface_pressure"), SIGMA),
        (("temperature", "specific_humidity"), SIGMA),
        (MOIST, ("index", (1.0, 2.0))),
    ],
)
def test_without_temperature_or_pressure_nothing_limits_humidity_from_above(
    names: tuple[str, ...], vertical: tuple[str, tuple[float, ...]]
) -> None:
    (limits,) = physical_limits(state_of(names, vertical))
    assert np.all(np.isinf(limits.greatest))
    assert limits.least == 0.0


def test_what_has_no_limits_is_not_named() -> None:
    assert list(physical_limits(state_of(("temperature", "surface_pressure")))) == []


def test_layers_of_sigma_levels_have_the_mass_of_the_column() -> None:
    state = state_of()
    mass = mass_of_layers(state)
    np.testing.assert_allclose(mass[0, 0, 0], np.array([0.55, 0.45]) * 1e5 / GRAVITY, rtol=1e-6)
    assert has_pressure(state.layout)


def test_layers_of_pressure_levels_end_at_the_lowest() -> None:
    state = state_of(("specific_humidity",), PRESSURE)
    np.testing.assert_allclose(pressure_of_levels(state)[0, 0, 0], PRESSURE[1])
    expected = np.array([5.5e4, 3.5e4]) / GRAVITY
    np.testing.assert_allclose(mass_of_layers(state)[0, 0, 0], expected, rtol=1e-12)
