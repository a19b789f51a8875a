"""Lines and limited areas: their points, weights, distances, and what lies outside."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from align_da.assimilation.letkf import LETKF, Localisation
from align_da.atmosphere import Grid, Layout, State, limited_area, periodic_line
from align_da.atmosphere.dataset import (
    dataset_from_state,
    layout_from_dataset,
    state_from_dataset,
)
from align_da.atmosphere.gradient import horizontal_gradient
from align_da.atmosphere.localisation import column_positions, great_circle_distance
from align_da.atmosphere.overlap import latitude_shares
from align_da.atmosphere.spectra import zonal_spectrum
from align_da.atmosphere.sphere_padding import pole_signs
from align_da.atmosphere.truncation import spectral_truncation
from align_da.constants import EARTH_RADIUS
from align_da.errors import InputError
from align_da.observations.batch import Flag, ObservationBatch
from align_da.observations.coarsening import check_coarser
from align_da.observations.interpolation import interpolation_operator
from align_da.observations.quality_control import check_domain

# Across the meridian of Greenwich.
AREA = limited_area((40.0, 42.0, 44.0, 46.0), (-6.0, -3.0, 0.0, 3.0, 6.0))
LAYOUT = Layout(AREA, ("abstract_field",))
SPHERE = Grid((-60.0, 0.0, 60.0), (0.0, 90.0, 180.0, 270.0), AREA.vertical)


def batch_at(latitude: np.ndarray, longitude: np.ndarray) -> ObservationBatch:
    nothing = jnp.zeros(len(latitude))
    whole = nothing.astype(jnp.int32)
    north, east = (jnp.asarray(places, jnp.float32) for places in (latitude, longitude))
    return ObservationBatch(
        value=nothing,
        error=nothing + 1,
        latitude=north,
        longitude=east,
        level=nothing + 1,
        vertical=whole,
        time=nothing,
        variable=whole,
        station=whole,
        flag=whole + int(Flag.PASS),
    )


def test_neighbours_on_a_line_are_one_spacing_apart_round_the_circle() -> None:
    line = periodic_line(16)
    assert line.shape == (1, 16)
    columns = column_positions(line.latitude, line.longitude)
    apart = np.asarray(great_circle_distance(*columns, *columns))[0]
    expected = line.spacing * np.minimum(np.arange(16), 16 - np.arange(16))
    np.testing.assert_allclose(apart, expected, rtol=1e-4, atol=1)
    np.testing.assert_allclose(line.area_weights, 1 / 16)


def test_an_area_may_cross_greenwich_and_weighs_its_own_cells() -> None:
    assert AREA.longitude == (354.0, 357.0, 360.0, 363.0, 366.0)
    assert AREA.area_weights.sum() == pytest.approx(1)
    bounds = np.sin(np.deg2rad([39.0, 41.0, 43.0, 45.0, 47.0]))
    expected = np.diff(bounds) / (bounds[-1] - bounds[0])
    np.testing.assert_allclose(AREA.area_weights.sum(axis=1), expected)
    assert AREA.spacing == pytest.approx(EARTH_RADIUS * np.deg2rad(3) * np.cos(np.deg2rad(40)))


@pytest.mark.parametrize(
    ("latitude", "longitude", "message"),
    [
        ((42.0, 40.0), (0.0, 1.0), "flip the latitude axis"),
        ((40.0, 42.0), (0.0, 1.0, 3.0), "less than the circle"),
        ((40.0, 42.0), (0.0, 90.0, 180.0, 270.0), "less than the circle"),
        ((40.0, 42.0), (5.0,), "less than the circle"),
        ((40.0, 42.0), (0.0, 0.0), "less than the circle"),
    ],
)
def test_what_is_no_limited_area_is_refused(
    latitude: tuple[float, ...], longitude: tuple[float, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        limited_area(latitude, longitude)


def test_a_bilinear_field_is_interpolated_exactly_within_an_area() -> None:
    chance = np.random.default_rng(0)
    latitude, longitude = chance.uniform(40, 46, 50), chance.uniform(-6, 6, 50)

    def field(north: np.ndarray, east: np.ndarray) -> np.ndarray:
        return 1 + 0.3 * (north - 43) - 0.2 * east + 0.1 * (north - 43) * east

    north, east = np.meshgrid(AREA.latitude, np.asarray(AREA.longitude) - 360, indexing="ij")
    state = State(jnp.asarray(field(north, east)[..., None]), LAYOUT)
    for turn in (0.0, 360.0):
        operator = interpolation_operator(batch_at(latitude, longitude % 360 + turn - 360), LAYOUT)
        np.testing.assert_allclose(operator(state), field(latitude, longitude), atol=2e-5)
    corners = batch_at(np.asarray([40.0, 46.0]), np.asarray([354.0, 6.0]))
    found = interpolation_operator(corners, LAYOUT)(state)
    np.testing.assert_array_equal(found, state.values[[0, -1], [0, -1], 0])


def test_what_lies_outside_an_area_is_flagged_and_its_equivalent_is_finite() -> None:
    latitude = np.asarray([40.0, 46.0, 43.0, 39.9, 46.1, 43.0, 43.0, 43.0])
    longitude = np.asarray([354.0, 6.0, -6.0, 0.0, 0.0, 353.9, 6.1, 180.0])
    batch = batch_at(latitude, longitude)
    flags = np.asarray(check_domain(batch, LAYOUT).flag)
    assert flags.tolist() == [Flag.PASS] * 3 + [Flag.DOMAIN] * 5
    state = State(jnp.ones(LAYOUT.shape), LAYOUT)
    np.testing.assert_allclose(interpolation_operator(batch, LAYOUT)(state), 1.0, rtol=1e-6)


def test_longitudes_near_the_far_end_of_a_wide_area_are_told_apart() -> None:
    wide = Layout(limited_area((0.0, 1.0), tuple(50.0 * i for i in range(7))), ("abstract_field",))
    batch = batch_at(np.full(4, 0.5), np.asarray([300.0, 301.0, 329.0, 359.0]))
    flags = np.asarray(check_domain(batch, wide).flag)
    assert flags.tolist() == [Flag.PASS] + [Flag.DOMAIN] * 3
    east = wide.grid.degrees_east(np.asarray([359.0, 329.0, 300.0, 0.0]))
    np.testing.assert_allclose(east, [-1.0, 329.0, 300.0, 0.0])


def test_a_state_of_an_area_goes_to_a_dataset_and_comes_back() -> None:
    values = np.random.default_rng(1).normal(size=(2, *LAYOUT.shape)).astype(np.float32)
    state = State(jnp.asarray(values), LAYOUT)
    dataset = dataset_from_state(state, {"realization": np.arange(2)})
    west = dataset.assign_coords(longitude=dataset["longitude"] - 360).isel(
        latitude=slice(None, None, -1)
    )
    for form in (dataset, west):
        layout = layout_from_dataset(form, limited_area=True)
        assert layout == LAYOUT
        np.testing.assert_array_equal(state_from_dataset(form, layout).values, values)
    with pytest.raises(InputError, match="whole circle"):
        layout_from_dataset(dataset)
    with pytest.raises(InputError, match="longitude does not match"):
        state_from_dataset(
            dataset, replace(LAYOUT, grid=limited_area(AREA.latitude, (0.0, 1.0, 2.0, 3.0, 4.0)))
        )


def test_an_observation_in_an_area_moves_what_is_near_alone() -> None:
    chance = np.random.default_rng(2)
    background = State(jnp.asarray(chance.normal(size=(8, *LAYOUT.shape)), jnp.float32), LAYOUT)
    batch = replace(batch_at(np.asarray([40.0]), np.asarray([354.0])), value=jnp.ones(1))
    method = LETKF(interpolation_operator, Localisation(radius=1.5e5))
    analysis, _ = method(background, batch, 6.0, jax.random.key(0))
    moved = np.abs(np.asarray(analysis.values - background.values)).max(axis=0)[..., 0]
    assert moved[0, 0] > 0.01
    columns = column_positions(AREA.latitude, AREA.longitude)
    apart = np.asarray(great_circle_distance(*columns, columns[0][:1], columns[1][:1]))[:, 0]
    assert moved.ravel()[apart > 3.1e5].max() < 1e-5


@pytest.mark.parametrize(
    "use",
    [
        lambda: zonal_spectrum(jnp.zeros(AREA.shape), AREA),
        lambda: horizontal_gradient(jnp.zeros((*AREA.shape, 1)), AREA),
        lambda: spectral_truncation(LAYOUT, 3),
        lambda: pole_signs(LAYOUT),
        lambda: check_coarser(AREA, AREA),
        lambda: latitude_shares(AREA, SPHERE),
    ],
    ids=["spectra", "derivatives", "truncation", "padding", "coarse map", "regridding"],
)
def test_what_needs_whole_circles_refuses_an_area(use: object) -> None:
    with pytest.raises(InputError, match="whole circles of latitude"):
        use()


def test_a_dataset_of_the_sphere_is_read_without_a_layout() -> None:
    state = State(jnp.ones((3, 4, 1)), Layout(SPHERE, ("abstract_field",)))
    dataset = dataset_from_state(state)
    assert isinstance(dataset, xr.Dataset)
    found = state_from_dataset(dataset)
    assert found.layout == state.layout
