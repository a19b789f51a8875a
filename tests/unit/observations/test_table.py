"""Observations from and to a table."""

import numpy as np
import pandas as pd
import pytest

from align_da.atmosphere import Layout
from align_da.errors import InputError
from align_da.observations import Flag, Vertical
from align_da.observations.table import batch_from_table, table_from_batch


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "value": [7.0, 1013.25, 20.0, 5.0],
            "error": [1.0, 1.0, 2.0, 0.1],
            "latitude": [10.0, 10.0, -30.0, 0.0],
            "longitude": [0.0, 0.0, 120.0, 359.0],
            "level": [0.5, 0.0, 0.2, 0.9],
            "vertical": ["level", "surface", "level", "level"],
            "time": [0.0, 0.0, -600.0, 60.0],
            "variable": [
                "temperature",
                "surface_pressure",
                "u_component_of_wind",
                "specific_humidity",
            ],
            "station": [1001, 1001, 94000, 5],
            "units": ["degC", "hPa", "kt", "g kg-1"],
        }
    )


def test_declared_units_are_converted_and_errors_take_no_offset(
    table: pd.DataFrame, layout: Layout
) -> None:
    batch = batch_from_table(table, layout)
    knot = 1852 / 3600
    np.testing.assert_allclose(batch.value, [280.15, 101325.0, 20 * knot, 0.005], rtol=1e-6)
    np.testing.assert_allclose(batch.error, [1.0, 100.0, 2 * knot, 1e-4], rtol=1e-6)
    assert batch.variable.tolist() == [2, 4, 0, 3]
    assert batch.vertical.tolist() == [Vertical.LEVEL, Vertical.SURFACE, 0, 0]
    assert batch.used.all()


def test_a_batch_survives_the_way_through_a_table(table: pd.DataFrame, layout: Layout) -> None:
    batch = batch_from_table(table.assign(flag=["pass", "passive", "bounds", "pass"]), layout, 6)
    again = batch_from_table(table_from_batch(batch, layout), layout)
    assert batch.flag.tolist()[1:] == [Flag.PASSIVE, Flag.BOUNDS, Flag.PASS, Flag.MISSING, 10]
    for name, array in vars(again).items():
        np.testing.assert_array_equal(array, getattr(batch, name))


def test_the_order_of_columns_and_the_index_do_not_matter(
    table: pd.DataFrame, layout: Layout
) -> None:
    shuffled = table[table.columns[::-1]].set_index(pd.Index([9, 9, 4, 1]))
    expected, found = batch_from_table(table, layout), batch_from_table(shuffled, layout)
    for name, array in vars(found).items():
        np.testing.assert_array_equal(array, getattr(expected, name))


def test_an_empty_table_becomes_padding_alone(table: pd.DataFrame, layout: Layout) -> None:
    batch = batch_from_table(table.iloc[:0], layout, pad_to=3)
    assert batch.flag.tolist() == [Flag.MISSING] * 3


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"units": ["%", "hPa", "kt", "g kg-1"]}, "temperature: expected units of K, got '%'"),
        ({"variable": ["tempreature"] * 4}, "'variable': expected one of .*got tempreature"),
        ({"variable": ["geopotential"] * 4}, "'variable': expected one of .*got geopotential"),
        ({"vertical": "ground"}, "'vertical': expected one of level, surface, got ground"),
        ({"flag": "fine"}, "'flag': expected one of .*got fine"),
        ({"value": "many"}, "'value': expected numbers"),
        ({"station": 1.5}, "'station': expected whole numbers"),
        ({"station": np.nan}, "'station': expected whole numbers"),
        ({"lattitude": 1.0}, "unknown: lattitude"),
    ],
)
def test_a_table_that_breaks_the_schema_is_refused_by_name(
    change: dict[str, object], expected: str, table: pd.DataFrame, layout: Layout
) -> None:
    with pytest.raises(InputError, match=expected):
        batch_from_table(table.assign(**change), layout)


def test_missing_columns_and_too_many_rows_are_refused(
    table: pd.DataFrame, layout: Layout
) -> None:
    with pytest.raises(InputError, match="missing: error, station"):
        batch_from_table(table.drop(columns=["error", "station"]), layout)
    with pytest.raises(InputError, match="at most 2"):
        batch_from_table(table, layout, pad_to=2)


def test_the_message_names_the_source_of_the_table(table: pd.DataFrame, layout: Layout) -> None:
    bad = table.assign(vertical="ground")
    bad.attrs["source"] = "here.csv"
    with pytest.raises(InputError, match=r"here.csv: column 'vertical': .* first in row 1"):
        batch_from_table(bad, layout)


@pytest.mark.parametrize("value", [1e300, np.nan, np.inf, -999.0])
def test_what_has_no_value_is_flagged_missing(
    value: float, table: pd.DataFrame, layout: Layout
) -> None:
    table.loc[2, ["value", "error"]] = [value, np.nan]
    batch = batch_from_table(table, layout)
    assert batch.flag.tolist() == [Flag.PASS, Flag.PASS, Flag.MISSING, Flag.PASS]
    assert (batch.value[2], batch.error[2]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("error", 0.0, "expected positive errors, got 0.0 in 2 rows: 2, 3"),
        ("error", -1.0, "expected positive errors, got -1.0 in 2 rows: 2, 3"),
        ("error", np.nan, "expected positive errors, got nan in 2 rows: 2, 3"),
        ("error", np.inf, "expected finite errors, got inf in 2 rows: 2, 3"),
        ("latitude", np.nan, "expected finite latitudes, got nan in 2 rows: 2, 3"),
        ("longitude", np.inf, "expected finite longitudes, got inf in 2 rows: 2, 3"),
        ("level", np.nan, "expected finite levels, got nan in 1 rows: 3"),
        ("time", np.nan, "expected finite times, got nan in 2 rows: 2, 3"),
    ],
)
def test_what_would_make_an_analysis_nan_is_refused_with_its_rows(
    column: str, value: float, told: str, table: pd.DataFrame, layout: Layout
) -> None:
    table = table.drop(columns="units")
    table.loc[[1, 2], column] = value
    with pytest.raises(InputError, match=told):
        batch_from_table(table, layout)
    table["flag"] = ["pass", "bounds", "missing", "pass"]  # what is not used does no harm
    assert batch_from_table(table, layout).used.sum() == 2


def test_latitudes_beyond_the_poles_alone_are_left_to_quality_control(
    table: pd.DataFrame, layout: Layout
) -> None:
    table.loc[0, "latitude"] = 120.0  # one of four, but longitudes are longitudes
    assert batch_from_table(table, layout).latitude[0] == 120.0
