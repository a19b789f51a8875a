"""Ensembles are moved into physical limits by closed forms, and no further."""

import jax.numpy as jnp
import numpy as np
import pytest

from align_da.assimilation.physical_bounds import Moved, PhysicalBounds, within_physical_bounds
from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.atmosphere.saturation import saturation_specific_humidity
from align_da.constants import GRAVITY

GRID = Grid((-30.0, 30.0), (0.0, 180.0), VerticalCoordinate("sigma", (0.5, 0.9)))
LAYOUT = Layout(GRID, ("temperature", "specific_humidity", "surface_pressure"))
HUMIDITY = 2  # the channel of the upper level
PLACE = (slice(None), 1, 0, HUMIDITY)
SATURATED = float(saturation_specific_humidity(np.array(280.0), np.array(0.5e5)))
MOVES = ("clip", "conserve_mean")


def ensemble(humidity: list[float]) -> State:
    """Members with these humidities at one place, and 0.002 elsewhere."""
    values = np.full((len(humidity), *LAYOUT.shape), 0.002, np.float32)
    values[..., :2], values[..., 4] = 280.0, 1.0e5
    values[PLACE] = humidity
    return State(jnp.asarray(values), LAYOUT)


def moved(humidity: list[float], bounds: PhysicalBounds) -> tuple[np.ndarray, Moved]:
    """What becomes of the humidities at the place."""
    state, told = within_physical_bounds(ensemble(humidity), bounds)
    return np.asarray(state.values)[PLACE], told


def test_clipping_moves_what_is_negative_to_nothing() -> None:
    found, _ = moved([-0.001, 0.001, 0.003], "clip")
    np.testing.assert_array_equal(found, np.float32([0.0, 0.001, 0.003]))


def test_the_mean_is_conserved_by_what_the_other_members_give() -> None:
    # 0.001 is missing: half of it comes from each of the two others.
    found, told = moved([-0.001, 0.001, 0.003], "conserve_mean")
    np.testing.assert_allclose(found, [0.0, 0.0005, 0.0025], rtol=1e-6)
    assert told.water_added == pytest.approx(0.0, abs=1e-7)


def test_a_member_does_not_give_more_than_it_has() -> None:
    found, _ = moved([-0.001, 0.0001, 0.003], "conserve_mean")
    np.testing.assert_allclose(found, [0.0, 0.0, 0.0021], rtol=1e-6)


def test_what_is_supersaturated_is_moved_to_saturation() -> None:
    wet = [SATURATED + 0.001, SATURATED - 0.001, SATURATED - 0.003]
    clipped, _ = moved(wet, "clip")
    np.testing.assert_allclose(clipped, [SATURATED, *wet[1:]], rtol=1e-6)
    conserved, _ = moved(wet, "conserve_mean")
    np.testing.assert_allclose(
        conserved, [SATURATED, SATURATED - 0.0005, SATURATED - 0.0025], rtol=1e-6
    )


def test_what_lies_beyond_both_limits_is_moved_to_the_nearest_with_the_same_mean() -> None:
    drawn = np.random.default_rng(0).normal(SATURATED / 2, 2 * SATURATED, (200, 7)).tolist()
    for humidity in drawn:
        before = np.float32(humidity).astype(np.float64)
        found, _ = moved(humidity, "conserve_mean")
        expected = np.clip(before.mean(), 0.0, SATURATED)
        assert found.astype(np.float64).mean() == pytest.approx(expected, abs=1e-8)
        inside = (found > 0.0) & (found < np.float32(SATURATED))
        shifts = (found - before)[inside]  # one multiplier moves all that touch no limit
        assert np.ptp(shifts) < 1e-8 if shifts.size else True
        shift = shifts[0] if shifts.size else 0.0
        assert np.all(before[found == 0.0] + shift < 1e-8) or not shifts.size


@pytest.mark.parametrize("humidity", [[-0.003, 0.001, -0.001], [-0.002]])
def test_where_the_mean_is_beyond_a_limit_every_member_is_at_it(humidity: list[float]) -> None:
    found, _ = moved(humidity, "conserve_mean")
    np.testing.assert_array_equal(found, np.zeros(len(humidity), np.float32))


def test_the_water_that_clipping_adds_is_the_mean_over_members_and_area() -> None:
    _, told = moved([-0.001, 0.001, 0.003], "clip")
    # A quarter of the area, a third of the members, a layer from the top to 0.7 of 1000 hPa.
    assert told.water_added == pytest.approx(0.001 * 0.7e5 / GRAVITY / 12, rel=1e-5)
    assert told.share == pytest.approx(1 / (3 * 2 * 2 * 2))


@pytest.mark.parametrize("bounds", MOVES)
def test_what_no_limit_touches_keeps_its_bits(bounds: PhysicalBounds) -> None:
    before = ensemble([-0.001, 0.001, 0.003])
    after, _ = within_physical_bounds(before, bounds)
    changed = np.asarray(before.values) != np.asarray(after.values)
    changed[PLACE] = False
    assert not changed.any()


@pytest.mark.parametrize("bounds", ["none", *MOVES])
def test_an_ensemble_within_its_limits_is_given_back(bounds: PhysicalBounds) -> None:
    state = ensemble([0.0, SATURATED / 2, 0.003])
    assert within_physical_bounds(state, bounds)[0] is state
    wrong = ensemble([-0.001, 0.0, 0.0])
    assert (within_physical_bounds(wrong, bounds)[0] is wrong) == (bounds == "none")


@pytest.mark.parametrize("bounds", MOVES)
def test_moving_twice_is_moving_once(bounds: PhysicalBounds) -> None:
    once, _ = within_physical_bounds(ensemble([-0.001, SATURATED + 0.002, 0.003]), bounds)
    twice, told = within_physical_bounds(once, bounds)
    assert twice is once
    assert told == Moved()
