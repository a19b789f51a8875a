"""Rows 53 to 56 of the table of faults: times and coordinates that are wrong."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from small_run import run_small, small_experiment, with_parts

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.atmosphere.dataset import dataset_from_state, state_from_dataset
from align_da.config import config_from_table
from align_da.errors import ConfigError, InputError
from align_da.storage.gridded import open_states, read_times
from align_da.storage.stored_cycles import open_cycles

LAYOUT = Layout(
    Grid((-45.0, 45.0), (0.0, 90.0, 180.0, 270.0), VerticalCoordinate("sigma", (0.3, 0.9))),
    ("temperature", "surface_pressure"),
)


def three_times(times: np.ndarray) -> xr.Dataset:
    """A dataset of three states, their number in every value, at these times."""
    numbers = jnp.arange(3.0)[:, None, None, None]
    states = State(300 + numbers + jnp.zeros((3, *LAYOUT.shape)), LAYOUT)
    ordered = np.datetime64("2020-01-01", "ns") + np.arange(3) * np.timedelta64(1, "h")
    return dataset_from_state(states, {"time": ordered}).assign_coords(time=times)


@pytest.mark.parametrize("calendar", ["noleap", "360_day", "all_leap", "julian"])
def test_row_53_another_calendar_is_refused_in_memory_and_in_a_file(
    calendar: str, tmp_path: Path
) -> None:
    times = xr.date_range("2020-01-01", periods=3, freq="6h", calendar=calendar, use_cftime=True)
    dataset = three_times(times)
    path = tmp_path / "states.nc"
    dataset.to_netcdf(path)
    for attempt in (lambda: state_from_dataset(dataset, LAYOUT), lambda: open_states(path)):
        with pytest.raises(InputError, match="standard calendar"):
            attempt()


@pytest.mark.row(54, 56)
@pytest.mark.parametrize(
    "times",
    [
        ["2020-01-01T06", "2020-01-01T00", "2020-01-01T12"],
        ["2020-01-01T00", "2020-01-01T06", "2020-01-01T06"],
        ["2020-01-01T00", "NaT", "2020-01-01T12"],
        ["2020-01-01T12", "2020-01-01T06", "2020-01-01T00"],
        ["2262-04-11T18", "2262-04-12T00", "2262-04-12T06"],
        ["1677-09-21T00", "1677-09-21T06", "1677-09-21T12"],
        ["3000-01-01T00", "3000-01-01T06", "3000-01-01T12"],
    ],
)
def test_times_out_of_order_unknown_or_out_of_range_are_refused(
    times: list[str],
) -> None:
    with pytest.raises(InputError, match=r"strictly increasing|years 1678 to 2261"):
        state_from_dataset(three_times(np.array(times, "datetime64[s]")), LAYOUT)


@pytest.mark.row(54)
def test_a_gap_is_told_where_a_time_in_it_is_asked_for() -> None:
    times = np.array(["2020-01-01T00", "2020-01-01T06", "2020-01-01T18"], "datetime64[ns]")
    dataset = three_times(times)
    found = read_times(dataset, LAYOUT, times[[2, 0]])
    np.testing.assert_array_equal(found.values[:, 0, 0, 0], [302.0, 300.0])
    with pytest.raises(InputError, match="expected a state at 2020-01-01T12"):
        read_times(dataset, LAYOUT, np.array(["2020-01-01T12"], "datetime64[ns]"))


@pytest.mark.row(54)
@pytest.mark.parametrize(
    ("units", "numbers"),
    [
        ("nanoseconds since 2020-02-28", [0, 43_200 * 10**9, 86_400 * 10**9]),
        ("seconds since 1970-01-01", [1582848000, 1582891200, 1582934400]),
        ("minutes since 2020-02-28T00:00:00Z", [0, 720, 1440]),
        ("hours since 2020-02-28 02:00:00 +02:00", [0, 12, 24]),
        ("days since 2019-12-31", [59.0, 59.5, 60.0]),
    ],
)
def test_the_unit_and_the_zone_of_the_time_axis_do_not_matter(
    units: str, numbers: list[float], tmp_path: Path
) -> None:
    coded = ("time", numbers, {"units": units, "calendar": "standard"})
    path = tmp_path / "states.nc"
    three_times(np.arange(3)).assign_coords(time=coded).to_netcdf(path)
    times = np.array(["2020-02-28T00", "2020-02-28T12", "2020-02-29T00"], "datetime64[ns]")
    found = read_times(open_states(path), LAYOUT, times)
    np.testing.assert_array_equal(found.values[:, 0, 0, 0], [300.0, 301.0, 302.0])


@pytest.mark.row(55)
@pytest.mark.parametrize("rows", [32, 181, 721])
def test_float32_coordinates_match_and_a_shifted_grid_does_not(rows: int) -> None:
    latitude, longitude = np.linspace(-90, 90, rows), np.arange(2 * rows) * 180 / rows
    levels = VerticalCoordinate("pressure", (5e4, 8.5e4))
    layout = Layout(Grid(tuple(latitude), tuple(longitude), levels), ("surface_pressure",))
    dataset = dataset_from_state(State(jnp.full(layout.shape, 1e5), layout))
    single = {name: dataset[name].astype(np.float32) for name in ("latitude", "longitude")}
    assert state_from_dataset(dataset.assign_coords(single), layout).layout == layout
    shifted = dataset.assign_coords(longitude=longitude + 2e-4 * 180 / rows)
    with pytest.raises(InputError, match="longitude does not match"):
        state_from_dataset(shifted, layout)


@pytest.mark.row(66)
@settings(max_examples=200, deadline=None, database=None)
@given(
    start=st.datetimes(datetime(1678, 1, 1), datetime(2250, 1, 1)),  # noqa: DTZ001 (as NumPy)
    window=st.integers(1, 48),
    cycles=st.integers(1, 60),
)
def test_row_56_cycles_are_valid_when_the_calendar_says(
    start: datetime, window: int, cycles: int
) -> None:
    start = start.replace(minute=0, second=0, microsecond=0)
    small = with_parts(small_experiment(), window_hours=window)
    experiment = replace(small, start=np.datetime64(start, "h"), cycles=cycles)
    expected = [start + (cycle + 1) * timedelta(hours=window) for cycle in range(cycles)]
    assert experiment.times.astype("datetime64[us]").tolist() == expected


@pytest.mark.row(56)
@pytest.mark.parametrize(
    ("start", "following"),
    [
        ("2020-02-28T18:00", "2020-02-29T00:00:00"),
        ("2021-02-28T18:00", "2021-03-01T00:00:00"),
        ("1900-02-28T18:00", "1900-03-01T00:00:00"),
        ("2016-12-31T18:00", "2017-01-01T00:00:00"),  # a leap second lies between
        ("1969-12-31T18:00", "1970-01-01T00:00:00"),
    ],
)
def test_a_run_crosses_the_border_of_month_and_year(
    start: str, following: str, tmp_path: Path
) -> None:
    store = tmp_path / "run.zarr"
    experiment = replace(small_experiment(2), start=np.datetime64(start))
    assert run_small(store, experiment) == 0
    times = open_cycles(store)["time"].values
    step = np.timedelta64(6, "h")
    np.testing.assert_array_equal(
        times, [np.datetime64(following), np.datetime64(following) + step]
    )
    assert run_small(store, experiment) == 0


@pytest.mark.row(56)
@pytest.mark.parametrize("start", ["2262-04-11T23:00", "1677-01-01T00:00", "2300-01-01T00:00"])
def test_a_run_beyond_what_nanoseconds_hold_is_refused(start: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="years 1678 to 2261"):
        run_small(tmp_path / "run.zarr", replace(small_experiment(), start=np.datetime64(start)))
    assert not (tmp_path / "run.zarr").exists()


@pytest.mark.row(54, 56, 63)
@pytest.mark.parametrize(
    "start",
    [
        "2016-12-31T23:59:60",
        "2021-02-29T00:00",
        "2020-01-01T00:00+02:00",
        "2020-01-01T00:00Z",
        "1677-01-01T00:00",
        "2300-01-01T00:00",
        "01.02.2020",
        "",
    ],
)
def test_a_start_that_is_no_plain_time_is_a_mistake_in_the_configuration(
    start: str,
) -> None:
    with pytest.raises(ConfigError, match=r"world\.start"):
        config_from_table({"world": {"start": start}})
