"""Observations at places and times of no use, at edges, and exactly on the grid."""

from collections.abc import Callable
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from observed_world import SIX_HOURS, reports, screen, with_entry

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.observations import Flag, ObservationBatch, Vertical, interpolation_operator
from align_da.observations.quality_control import check_window

Figure = Callable[[str], None]
REGULAR = Layout(
    Grid(
        tuple(np.linspace(-90, 90, 32).tolist()),  # no round numbers: positions are float32
        tuple((np.arange(62) * 360 / 62).tolist()),
        VerticalCoordinate("sigma", (0.2, 0.5, 0.9)),
    ),
    ("temperature", "surface_pressure"),
)


def temperatures(
    latitude: np.ndarray, longitude: np.ndarray, level: np.ndarray | float = 0.5
) -> ObservationBatch:
    """Temperatures at these places."""
    nothing = jnp.zeros(latitude.size)
    whole = jnp.arange(latitude.size, dtype=jnp.int32)
    return ObservationBatch(
        value=nothing + 280,
        error=nothing + 1,
        latitude=jnp.asarray(latitude, jnp.float32),
        longitude=jnp.asarray(longitude, jnp.float32),
        level=jnp.asarray(nothing + jnp.asarray(level), jnp.float32),
        vertical=0 * whole + int(Vertical.LEVEL),
        time=nothing,
        variable=0 * whole,
        station=whole,
        flag=0 * whole,
    )


def test_row_38_positions_that_make_no_sense_are_flagged_domain(figure: Figure) -> None:
    batch, equivalent = reports()
    wrong = [
        *({"latitude": x} for x in (90.01, -90.01, 500.0, np.nan, np.inf, -999.0)),
        *({"longitude": x} for x in (360.01, -361.0, 1e30, np.nan, -np.inf)),
        *({"variable": x} for x in (99, -1)),
    ]
    for number, changes in enumerate(wrong):
        batch = with_entry(batch, 3 * number, **changes)
    checked = screen(batch, equivalent)
    assert np.all(checked.flag[: 3 * len(wrong) : 3] == Flag.DOMAIN)
    assert np.all(checked.flag[3 * len(wrong) :] == Flag.PASS)
    assert all(np.isfinite(array).all() for array in vars(checked).values())
    figure(f"{len(wrong)} of {len(wrong)} flagged domain and made finite; grids are global")


def analytic(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """A smooth field on the sphere: a sum of its first harmonics, K."""
    north, east = np.deg2rad(latitude), np.deg2rad(longitude)
    x, y, z = np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)
    return 280 + 8 * x - 5 * y + 6 * z + 4 * x * y


def analytic_state() -> State:
    north, east = np.meshgrid(REGULAR.grid.latitude, REGULAR.grid.longitude, indexing="ij")
    values = np.repeat(analytic(north, east)[:, :, None], REGULAR.shape[-1], axis=-1)
    return State(jnp.asarray(values, jnp.float32), REGULAR)


def test_row_39_longitudes_are_one_circle_and_poles_one_place(figure: Figure) -> None:
    chance = np.random.default_rng(39)
    latitude = np.concatenate([chance.uniform(-90, 90, 1000), [90.0, -90.0, 89.99, -89.99] * 50])
    longitude = chance.uniform(0, 360, latitude.size)
    longitude[:60] = np.tile([359.9, 0.1, 180.0, 179.9, 0.0, 360.0], 10)
    state = analytic_state()

    def equivalent(east: np.ndarray) -> np.ndarray:
        return np.asarray(interpolation_operator(temperatures(latitude, east), REGULAR)(state))

    east, west = equivalent(longitude), equivalent((longitude + 180) % 360 - 180)
    wrong = np.abs(east - analytic(latitude, longitude)).max()
    # Bilinear error: spacing² / 8 times the second derivatives of both directions.
    assert wrong < 2 * (np.deg2rad(360 / 62) ** 2 / 8) * 20
    assert np.abs(east - west).max() < 1e-3  # positions are float32
    poles = np.abs(latitude) == 90
    assert np.ptp(east[poles & (latitude > 0)]) < 1e-3
    figure(
        f"{latitude.size} places: {wrong:.3f} K from the analytic field, 0..360 against "
        f"-180..180 {np.abs(east - west).max():.0e} K, no NaN"
    )


def test_row_40_beyond_the_column_nothing_is_extrapolated(figure: Figure) -> None:
    levels = np.asarray([0.0999, 0.05, 0.0, -1.0, 1.0001, 1.5, 1e5, np.nan, np.inf])
    batch, equivalent = reports()
    column = np.flatnonzero(np.asarray(batch.vertical) == Vertical.LEVEL)[: levels.size]
    moved = with_entry(batch, column, level=levels)
    checked = screen(moved, equivalent)
    assert np.all(checked.flag[column] == Flag.DOMAIN)
    chance = np.random.default_rng(40)
    state = State(jnp.asarray(chance.normal(250, 20, REGULAR.shape), jnp.float32), REGULAR)
    latitude, longitude = REGULAR.grid.latitude[16], REGULAR.grid.longitude[1]
    places = np.full(levels.size, latitude), np.full(levels.size, longitude)
    found = interpolation_operator(temperatures(*places, levels), REGULAR)(state)
    highest, lowest = state.values[16, 1, 0], state.values[16, 1, 2]
    assert set(np.asarray(found).tolist()) <= {float(highest), float(lowest)}
    figure(f"{levels.size} of {levels.size} levels flagged domain; H gives the nearest level")


WINDOWS = np.arange(-6, 6)  # ten, and one on either side


def uses(times: np.ndarray) -> np.ndarray:
    """In how many of the windows [start, end) each of some times is used."""
    centre = (WINDOWS + 0.5) * SIX_HOURS
    relative = (times[:, None] - centre).ravel()
    batch = temperatures(np.zeros(relative.size), np.zeros(relative.size))
    checked = check_window(replace(batch, time=jnp.asarray(relative, jnp.float32)), SIX_HOURS)
    return np.asarray(checked.used).reshape(times.size, -1).sum(axis=1)


@settings(max_examples=50, deadline=None)
@given(times=st.lists(st.floats(-5 * SIX_HOURS, 5 * SIX_HOURS), min_size=8, max_size=8))
def test_row_41_any_time_is_in_exactly_one_window(times: list[float]) -> None:
    assert uses(np.asarray(times)).tolist() == [1] * 8


def test_row_41_over_ten_windows_every_observation_is_used_once(figure: Figure) -> None:
    borders = (np.arange(11) - 5) * SIX_HOURS
    sweep = np.arange(-5 * SIX_HOURS, 5 * SIX_HOURS, SIX_HOURS / 16)
    near = np.concatenate([np.nextafter(borders, 1e9), np.nextafter(borders, -1e9)])
    times = np.concatenate([borders, sweep, near])
    assert uses(times).tolist() == [1] * times.size
    assert uses(np.asarray([6 * SIX_HOURS, -1e9, 1e9, np.nan, np.inf, -np.inf])).sum() == 0
    figure(f"{times.size} times, {borders.size} of them borders: each used in one window")


def test_row_48_on_a_grid_point_the_operator_gives_its_value_bitwise(figure: Figure) -> None:
    chance = np.random.default_rng(48)
    state = State(jnp.asarray(chance.normal(280, 20, REGULAR.shape), jnp.float32), REGULAR)
    north, east, sigma = np.meshgrid(
        REGULAR.grid.latitude, REGULAR.grid.longitude, REGULAR.grid.vertical.levels, indexing="ij"
    )
    batch = temperatures(north.ravel(), east.ravel(), sigma.ravel())
    found = interpolation_operator(batch, REGULAR)(state)
    np.testing.assert_array_equal(found, state.values[..., :3].ravel())
    alone = temperatures(np.asarray([-90.0]), np.asarray([0.0]), 1.0)
    np.testing.assert_array_equal(
        interpolation_operator(alone, REGULAR)(state), state.values[0, 0, 2:3]
    )
    figure(f"{north.size} grid points, poles and corners among them: bitwise")
