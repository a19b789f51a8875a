"""Data frames of earth2studio as reports."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from faults.observed_world import LAYOUT

from align_da.earth2studio.frames import errors_of_run, reports_of
from align_da.errors import InputError
from align_da.observations.error_model import InstrumentErrors

TIME = np.datetime64("2020-01-01T06:00", "ns")


def frame(**changes: Any) -> pd.DataFrame:
    """Two soundings and a station, as sources of earth2studio give them."""
    columns = {
        "time": TIME,
        "lat": np.array([10.0, -40.0, 50.0], np.float32),
        "lon": np.array([350.0, -10.0, 20.0], np.float32),
        "observation": np.array([250.0, 7.0, 99000.0], np.float32),
        "variable": ["t500", "u", "pres"],
        "pres": np.array([np.nan, 85000.0, 99000.0], np.float32),
        "elev": np.array([np.nan, 1500.0, 120.0], np.float32),
    }
    return pd.DataFrame(columns | changes)


def by_variable(table: pd.DataFrame) -> pd.DataFrame:
    return reports_of(table, LAYOUT).set_index("variable")


def test_rows_become_reports_in_pascal_and_degrees_east() -> None:
    found = by_variable(frame())
    assert found["level"].fillna(-1).to_dict() == {
        "temperature": 50000.0,
        "u_component_of_wind": 85000.0,
        "surface_pressure": -1.0,
    }
    assert found["longitude"].to_dict() == {
        "temperature": 350.0,
        "u_component_of_wind": 350.0,
        "surface_pressure": 20.0,
    }
    assert found.loc["surface_pressure", ["value", "elevation", "vertical"]].tolist() == [
        99000.0,
        120.0,
        "surface",
    ]
    assert set(found["flag"]) == {"pass"}
    assert found["error"].isna().all()


def test_the_elevation_of_a_station_goes_before_that_of_the_observation() -> None:
    found = by_variable(frame(station_elev=np.array([np.nan, 2.0, 100.0], np.float32)))
    assert found.loc["surface_pressure", "elevation"] == 100.0


def test_stations_and_types_are_those_of_the_source_where_it_tells_them() -> None:
    found = by_variable(frame(station=["47110", None, "A1"], type=[None, "220", "187"]))
    assert found["station_id"].to_dict() == {
        "temperature": "47110",
        "u_component_of_wind": "-40.0000 -10.0000",
        "surface_pressure": "A1",
    }
    assert found["type"].to_dict() == {
        "temperature": "other",
        "u_component_of_wind": "220",
        "surface_pressure": "187",
    }


def test_marks_of_the_source_are_kept() -> None:
    found = by_variable(frame(quality=pd.array([2, 3, 9], dtype="UInt16")))
    assert found["flag"].to_dict() == {
        "temperature": "pass",
        "u_component_of_wind": "passive",
        "surface_pressure": "bounds",
    }


def test_errors_come_from_the_frame_or_else_from_the_run() -> None:
    errors = InstrumentErrors(wind=2.5, surface_pressure=70.0)
    reports = reports_of(frame(error=[0.5, np.nan, np.nan]), LAYOUT)
    found = errors_of_run(reports, errors).set_index("variable")["error"]
    assert found.to_dict() == {
        "temperature": 0.5,
        "u_component_of_wind": 2.5,
        "surface_pressure": 70.0,
    }


def test_a_row_without_a_value_or_a_level_is_flagged_missing() -> None:
    found = by_variable(
        frame(observation=[np.nan, 7.0, 99000.0], pres=np.array([np.nan] * 3, np.float32))
    )
    assert found["flag"].to_dict() == {
        "temperature": "missing",
        "u_component_of_wind": "missing",
        "surface_pressure": "pass",
    }


@pytest.mark.parametrize("empty", [None, frame()[:0]])
def test_nothing_gives_no_reports(empty: pd.DataFrame | None) -> None:
    assert reports_of(empty, LAYOUT).empty


def test_a_table_of_arrow_is_converted() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    found = reports_of(pyarrow.Table.from_pandas(frame()), LAYOUT)
    pd.testing.assert_frame_equal(found, reports_of(frame(), LAYOUT))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("t2m", "in a data frame or None, got str"),
        (frame().drop(columns=["lat", "observation"]), "missing: lat, observation"),
        (frame(variable=["t500", "tcwv", "t2m"]), r"2 of 3 .* \(t2m, tcwv\): .*u, v, t, q, sp"),
        (frame(variable=["t0.5sigma", "u", "pres"]), "1 of 3 observations"),
        (frame(pres=[500.0, 85000.0, 99000.0]), r"row 1 is 't500' at pres = 500 Pa"),
        (frame(pres=[50000.0, 850.0, 99000.0], variable=["t", "u", "pres"], lat="x"), "numbers"),
        (frame(variable=["u", "u", "u"], pres=[500.0, 850.0, 700.0]), "seem to be in hPa"),
        (frame(observation=["warm", "calm", "high"]), "'observation': expected numbers"),
        (frame(observation=np.nan), "got none in 3 rows"),
        (frame(time=3.0), "expected times"),
        (frame(time="tomorrow"), "expected times as"),
        (frame(lat=[100.0, 200.0, 300.0], lon=[10.0, -40.0, 50.0]), "swapped"),
        (frame(error=-1.0), "positive errors"),
    ],
)
def test_what_is_no_frame_of_observations_is_refused(given: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        reports_of(given, LAYOUT)
