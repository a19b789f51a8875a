"""A data frame that says no more than it must becomes a batch."""

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from align_da.atmosphere import Layout, State
from align_da.errors import InputError
from align_da.observations.batch import Flag, Vertical
from align_da.observations.frames import observations_from_frame
from align_da.observations.function_operator import FunctionOperator
from align_da.observations.stations import number_of_station
from align_da.observations.table import table_from_batch

TIME = np.datetime64("2020-01-01T06:00", "ns")


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "value": [280.0, 9.9e4],
            "error": [1.0, 100.0],
            "latitude": [50.0, -20.0],
            "longitude": [8.0, 300.0],
            "variable": ["temperature", "surface_pressure"],
        }
    )


def test_what_is_missing_has_a_meaning(frame: pd.DataFrame, layout: Layout) -> None:
    batch = observations_from_frame(frame, layout, pad_to=3)
    assert batch.vertical[:2].tolist() == [Vertical.SURFACE] * 2
    assert batch.station[:2].tolist() == [0, 1]
    assert batch.time.tolist() == [0.0] * 3
    assert batch.flag.tolist() == [Flag.PASS, Flag.PASS, Flag.MISSING]


def test_a_level_that_is_given_is_a_level(frame: pd.DataFrame, layout: Layout) -> None:
    batch = observations_from_frame(frame.assign(level=[0.5, np.nan]), layout)
    assert batch.vertical.tolist() == [Vertical.LEVEL, Vertical.SURFACE]
    np.testing.assert_allclose(batch.level, [0.5, 0.0])


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_absolute_times_count_from_the_valid_time(
    zone: str | None, frame: pd.DataFrame, layout: Layout
) -> None:
    times = pd.Series(pd.to_datetime(["2020-01-01T05:59:00", "2020-01-01T08:00:00"]))
    if zone is not None:
        times = times.dt.tz_localize("UTC").dt.tz_convert(zone)
    batch = observations_from_frame(frame.assign(time=times), layout, TIME)
    assert batch.time.tolist() == [-60.0, 7200.0]
    with pytest.raises(InputError, match="expected the valid_time"):
        observations_from_frame(frame.assign(time=times), layout)


def test_a_batch_goes_to_a_table_and_back(frame: pd.DataFrame, layout: Layout) -> None:
    batch = observations_from_frame(frame, layout)
    again = observations_from_frame(table_from_batch(batch, layout), layout)
    for name, array in vars(batch).items():
        np.testing.assert_array_equal(array, getattr(again, name), err_msg=name)


def test_a_level_that_is_not_known_is_not_the_top(frame: pd.DataFrame, layout: Layout) -> None:
    with pytest.raises(InputError, match="expected finite levels, got nan in 1 rows: 1"):
        observations_from_frame(frame.assign(vertical=["level", "surface"]), layout)


def test_a_column_that_nobody_knows_is_refused(frame: pd.DataFrame, layout: Layout) -> None:
    with pytest.raises(InputError, match="unknown: sttion"):
        observations_from_frame(frame.assign(sttion=1), layout)


def test_the_error_tells_what_is_needed_apart_from_what_is_optional(
    frame: pd.DataFrame, layout: Layout
) -> None:
    told = (
        r"columns needed: value, error, latitude, longitude, variable; optional: level, vertical, "
        r"time, station, station_id, units, flag; missing: error; unknown: none"
    )
    with pytest.raises(InputError, match=told):
        observations_from_frame(frame.drop(columns="error"), layout)


def test_stations_have_the_numbers_that_their_names_have_in_files(
    frame: pd.DataFrame, layout: Layout
) -> None:
    batch = observations_from_frame(frame.assign(station_id=["0-20000-0-01001", "EGLL"]), layout)
    assert batch.station.tolist() == [1001, number_of_station("EGLL")]


def test_a_station_with_a_number_and_a_name_is_refused(
    frame: pd.DataFrame, layout: Layout
) -> None:
    twice = frame.assign(station=[1, 2], station_id=["a", "b"])
    with pytest.raises(InputError, match="got both: drop one of them"):
        observations_from_frame(twice, layout)


def test_columns_that_files_alone_have_a_use_for_are_refused_as_that(
    frame: pd.DataFrame, layout: Layout
) -> None:
    of_file = frame.assign(type="synop", elevation=302.0)
    with pytest.raises(InputError, match=r"not used here: elevation, type, .*drop them"):
        observations_from_frame(of_file, layout)


def test_a_function_observes_every_member(layout: Layout) -> None:
    operator = FunctionOperator(lambda values: jnp.stack([values.max(), values.min()]))
    members = jnp.stack([jnp.full(layout.shape, float(m)).at[0, 0, 0].set(9.0) for m in range(3)])
    expected = [[9.0, 0.0], [9.0, 1.0], [9.0, 2.0]]
    np.testing.assert_array_equal(operator(State(members, layout)), expected)
    np.testing.assert_array_equal(operator(State(members[1], layout)), expected[1])
    assert operator.bind(observations_from_frame(pd.DataFrame(), layout), layout) is operator
