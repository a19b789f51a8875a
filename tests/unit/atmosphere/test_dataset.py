from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate, variable_named
from align_da.atmosphere.dataset import (
    dataset_from_state,
    layout_from_dataset,
    state_from_dataset,
)
from align_da.atmosphere.units import to_si
from align_da.errors import InputError

GRID = Grid(
    (-60.0, -20.0, 20.0, 60.0),
    (0.0, 90.0, 180.0, 270.0),
    VerticalCoordinate("pressure", (25000.0, 50000.0, 85000.0)),
)
LAYOUT = Layout(GRID, ("temperature", "surface_pressure"))
TIMES = np.datetime64("2020-01-01", "ns") + np.arange(3) * np.timedelta64(6, "h")


@pytest.fixture
def states() -> State:
    values = jnp.arange(3 * 2 * np.prod(LAYOUT.shape), dtype=jnp.float32)
    return State(values.reshape(3, 2, *LAYOUT.shape), LAYOUT)


@pytest.fixture
def dataset(states: State) -> xr.Dataset:
    return dataset_from_state(states, {"time": TIMES, "realization": np.arange(2)})


def assert_same(dataset: xr.Dataset, states: State) -> None:
    found = state_from_dataset(dataset, LAYOUT)
    np.testing.assert_array_equal(found.values, states.values)


def test_a_state_comes_back_with_its_layout(dataset: xr.Dataset, states: State) -> None:
    assert layout_from_dataset(dataset) == LAYOUT
    assert_same(dataset, states)


def test_dimensions_and_attributes_are_those_of_the_conventions(dataset: xr.Dataset) -> None:
    assert dataset["temperature"].dims == ("time", "realization", "level", "latitude", "longitude")
    assert dataset["surface_pressure"].dims == ("time", "realization", "latitude", "longitude")
    assert dataset.attrs["Conventions"] == "CF-1.11"
    assert dataset["temperature"].attrs["standard_name"] == "air_temperature"
    assert dataset["level"].attrs["units"] == "Pa"
    assert dataset["level"].attrs["positive"] == "down"
    assert [dataset[name].attrs["axis"] for name in ("time", "latitude", "longitude")] == [
        "T",
        "Y",
        "X",
    ]


@pytest.mark.parametrize("kind", ["sigma", "index"])
def test_every_kind_of_level_comes_back(kind: str) -> None:
    grid = Grid(GRID.latitude, GRID.longitude, VerticalCoordinate(kind, (0.25, 0.95)))
    layout = Layout(grid, ("temperature",))
    state = State(jnp.ones(layout.shape), layout)
    assert layout_from_dataset(dataset_from_state(state)) == layout


def test_latitude_from_north_to_south_is_flipped(dataset: xr.Dataset, states: State) -> None:
    assert_same(dataset.isel(latitude=slice(None, None, -1)), states)


def test_levels_from_the_ground_up_are_flipped(dataset: xr.Dataset, states: State) -> None:
    assert_same(dataset.isel(level=slice(None, None, -1)), states)


def test_row_39_longitude_from_minus_180_is_rolled(dataset: xr.Dataset, states: State) -> None:
    west = dataset.roll(longitude=2, roll_coords=True)
    west = west.assign_coords(longitude=[-180.0, -90.0, 0.0, 90.0])
    assert_same(west, states)


def test_row_46_transposed_dimensions_are_found_by_name(
    dataset: xr.Dataset, states: State
) -> None:
    space = dataset.transpose("longitude", "latitude", "level", "time", "realization")
    assert_same(space, states)


def test_whole_hectopascals_without_units_become_pascals(
    dataset: xr.Dataset, states: State
) -> None:
    assert_same(dataset.assign_coords(level=[250, 500, 850]), states)


def test_row_55_float32_coordinates_match(dataset: xr.Dataset, states: State) -> None:
    latitude = dataset["latitude"].values.astype(np.float32) + np.float32(1e-5)
    assert_same(dataset.assign_coords(latitude=latitude), states)


@pytest.mark.parametrize(
    ("units", "name", "factor", "offset"),
    [("degC", "temperature", 1.0, -273.15), ("hPa", "surface_pressure", 0.01, 0.0)],
)
def test_row_36_known_units_are_converted(
    units: str, name: str, factor: float, offset: float, dataset: xr.Dataset, states: State
) -> None:
    with xr.set_options(keep_attrs=True):
        changed = dataset.assign({name: dataset[name] * factor + offset})
    changed[name].attrs["units"] = units
    found = state_from_dataset(changed, LAYOUT)
    np.testing.assert_allclose(found.values, states.values, rtol=1e-6, atol=1e-4)


def test_units_that_are_accepted_are_listed_without_an_empty_name() -> None:
    with pytest.raises(InputError, match=r"one of 1, nothing, dimensionless$"):
        to_si(np.zeros(1), "K", variable_named("lorenz_96"))


def test_row_36_unknown_units_are_refused(dataset: xr.Dataset) -> None:
    dataset["temperature"].attrs["units"] = "degF"
    with pytest.raises(InputError, match="temperature: expected units of K, got 'degF'"):
        state_from_dataset(dataset, LAYOUT)


def test_values_that_are_not_finite_are_refused(dataset: xr.Dataset) -> None:
    dataset = dataset.copy(deep=True)
    dataset["temperature"][0, 0, 0, 0, 0] = np.nan
    with pytest.raises(InputError, match="temperature: 1 values are not finite"):
        state_from_dataset(dataset, LAYOUT)


def test_a_time_is_chosen_by_place(dataset: xr.Dataset, states: State) -> None:
    one = state_from_dataset(dataset, LAYOUT, 1)
    np.testing.assert_array_equal(one.values, states.values[1])
    two = state_from_dataset(dataset, LAYOUT, slice(1, None))
    np.testing.assert_array_equal(two.values, states.values[1:])


def test_only_what_is_asked_for_is_read(dataset: xr.Dataset, states: State) -> None:
    """Of two variables and three times one each, also where longitudes have to be rolled."""
    read: list[str] = []

    def noted(block: np.ndarray, name: str) -> np.ndarray:
        read.append(name)
        return block

    western = dataset.roll(longitude=2, roll_coords=True)
    western = western.assign_coords(longitude=(western["longitude"] + 180) % 360 - 180)
    lazy = western.assign(
        {
            str(name): array.chunk(time=1).copy(
                data=array.chunk(time=1).data.map_blocks(noted, name, dtype=array.dtype)
            )
            for name, array in western.data_vars.items()
        }
    )
    read.clear()  # dask tries `noted` to learn the type
    found = state_from_dataset(lazy, Layout(GRID, ("temperature",)), 1)
    assert read == ["temperature"]
    np.testing.assert_array_equal(found.values, states["temperature"][1])


def along_another(name: str) -> Callable[[xr.Dataset], xr.Dataset]:
    """Gives the coordinate of an axis another dimension than the fields have."""

    def changed(dataset: xr.Dataset) -> xr.Dataset:
        values = dataset[name].values
        return dataset.drop_vars(name).assign_coords({name: ("another", values)})

    return changed


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: d.rename(latitude="lat"), "expected a dimension 'latitude'"),
        (along_another("latitude"), "expected a dimension 'latitude'"),
        (along_another("time"), "expected a time coordinate"),
        (lambda d: d.isel(latitude=[0, 2, 1, 3]), "latitude must be strictly monotone"),
        (lambda d: d.isel(longitude=[0, 1, 2]), "longitude must be equally spaced"),
        (lambda d: d.assign_coords(level=[250.0, np.nan, 850.0]), "level must hold finite"),
        (
            lambda d: d.assign_coords(latitude=[-60.0, -20.0, 20.0, 61.0]),
            "latitude does not match",
        ),
        (lambda d: d.drop_vars("temperature"), "expected variables temperature"),
        (lambda d: d.isel(level=[0, 1]), "level does not match"),
        (lambda d: d.isel(time=[0, 0, 1]), "strictly increasing"),
        (lambda d: d.isel(time=[1, 0, 2]), "strictly increasing"),
        (lambda d: d.assign_coords(time=[0, 1, 2]), "datetime64"),
    ],
)
def test_rows_46_53_54_what_does_not_fit_is_refused(
    change: object, told: str, dataset: xr.Dataset
) -> None:
    with pytest.raises(InputError, match=told):
        state_from_dataset(change(dataset), LAYOUT)


def test_row_53_another_calendar_is_refused(dataset: xr.Dataset) -> None:
    times = xr.date_range("2020-01-01", periods=3, calendar="noleap", use_cftime=True)
    with pytest.raises(InputError, match="noleap"):
        state_from_dataset(dataset.assign_coords(time=times), LAYOUT)


def test_a_wrong_number_of_leading_coordinates_is_refused(states: State) -> None:
    with pytest.raises(InputError, match="expected leading axes"):
        dataset_from_state(states, {"time": TIMES})
