"""The observations of a cycle window out of many reports."""

import numpy as np
import pandas as pd
import pytest

from align_da.atmosphere import Layout
from align_da.errors import InputError
from align_da.observations import Flag
from align_da.observations.reports import checked_reports
from align_da.observations.window import (
    batch_of_reports,
    reduced_to_surface,
    reports_in_window,
    with_stations_withheld,
)

START = np.datetime64("2020-01-01T00:00:00", "ns")


@pytest.fixture
def reports() -> pd.DataFrame:
    count = 48
    return checked_reports(
        pd.DataFrame(
            {
                "value": 250.0,
                "error": 1.0,
                "latitude": 10.0,
                "longitude": 20.0,
                "level": 50000.0,
                "elevation": np.nan,
                "time": START + np.arange(count) * np.timedelta64(1, "h"),
                "vertical": "level",
                "variable": "temperature",
                "station_id": [f"station {number}" for number in range(count)],
                "type": "radiosonde",
                "flag": "pass",
            }
        )
    )


def test_every_report_is_in_exactly_one_window(reports: pd.DataFrame) -> None:
    windows = [
        reports_in_window(reports, START + np.timedelta64(6 * cycle, "h"), 6)
        for cycle in range(10)
    ]
    pd.testing.assert_frame_equal(pd.concat(windows, ignore_index=True), reports)
    assert windows[1]["time"].tolist()[0] == pd.Timestamp("2020-01-01T03:00")


def test_the_share_of_withheld_stations_depends_on_their_names_alone(
    reports: pd.DataFrame,
) -> None:
    found = with_stations_withheld(reports, 0.3, seed=1)
    assert 5 <= (found["flag"] == "passive").sum() <= 24
    part = with_stations_withheld(reports.iloc[::-3], 0.3, seed=1)
    pd.testing.assert_series_equal(part["flag"], found["flag"].iloc[::-3])
    assert (with_stations_withheld(reports, 0.0, seed=1)["flag"] == "pass").all()
    other = with_stations_withheld(reports, 0.3, seed=2)
    assert (other["flag"] != found["flag"]).any()


def test_surface_pressure_is_reduced_as_in_the_standard_atmosphere(reports: pd.DataFrame) -> None:
    stations = reports.iloc[:4].assign(
        variable="surface_pressure",
        vertical="surface",
        value=95461.3,
        elevation=[500.0, 500.0, np.nan, 500.0],
    )
    surface = np.asarray([0.0, 500.0, 0.0, 900.0])
    found = reduced_to_surface(stations, surface, 501.0)
    # ICAO Doc 7488: 954.61 hPa at 500 m, 908.12 hPa at 900 m (the last 400 m up).
    np.testing.assert_allclose(found["value"].iloc[[0, 3]], [101325.0, 90970.0], rtol=1e-3)
    assert found["value"].tolist()[1:3] == [95461.3, 95461.3]
    assert found["flag"].tolist() == ["pass", "pass", "passive", "pass"]
    far = reduced_to_surface(stations, surface, 100.0)
    assert far["flag"].tolist() == ["passive", "pass", "passive", "passive"]
    assert far["value"].tolist() == [95461.3] * 4


def test_temperature_and_humidity_of_a_station_belong_to_its_height(
    reports: pd.DataFrame,
) -> None:
    stations = reports.iloc[:7].assign(
        variable=[*["2m_temperature", "temperature", "specific_humidity"] * 2, "temperature"],
        vertical=[*["surface"] * 6, "level"],
        elevation=[200.0, 200.0, 200.0, 900.0, np.nan, 900.0, 900.0],
    )
    found = reduced_to_surface(stations, np.zeros(7), 300.0)
    # ICAO Doc 7488: 6.5 K a kilometre.
    np.testing.assert_allclose(found["value"], [251.3, 251.3, *[250.0] * 5])
    assert found["flag"].tolist() == [*["pass"] * 3, *["passive"] * 3, "pass"]


def test_ships_are_at_sea_level(reports: pd.DataFrame) -> None:
    ships = reports.iloc[:2].assign(
        variable="surface_pressure", vertical="surface", value=1e5, type=["ship", "synop"]
    )
    found = reduced_to_surface(ships, np.zeros(2), 300.0)
    assert found["flag"].tolist() == ["pass", "passive"]


def test_one_station_is_withheld_under_any_of_its_names(reports: pd.DataFrame) -> None:
    names = ["01001", "1001", "0-20000-0-01001", "01001   ", "1001.0"]
    rows = pd.concat([reports.assign(station_id=name) for name in names])
    for seed in range(20):
        found = with_stations_withheld(checked_reports(rows), 0.5, seed)
        assert found["flag"].nunique() == 1


def test_what_has_no_error_is_missing(reports: pd.DataFrame, layout: Layout) -> None:
    found = reports.iloc[:2].assign(error=[np.nan, 1.0])
    assert batch_of_reports(found, layout, START, 2).flag.tolist() == [Flag.MISSING, Flag.PASS]


def test_the_batch_is_padded_and_keeps_what_the_state_does_not_hold(
    reports: pd.DataFrame, layout: Layout
) -> None:
    found = reports.iloc[:3].assign(
        variable=["temperature", "geopotential", "temperature"],
        station_id=["01001", "EU0036", "EU0036"],
    )
    batch = batch_of_reports(found, layout, START, 5)
    assert batch.flag.tolist() == [Flag.PASS, Flag.PASSIVE, Flag.PASS, *[Flag.MISSING] * 2]
    assert batch.station.tolist()[0] == 1001
    assert batch.station[1] == batch.station[2] != 0
    assert batch.time.tolist()[:3] == [0.0, 3600.0, 7200.0]
    with pytest.raises(InputError, match="expected at most 2 observations, got 3"):
        batch_of_reports(found, layout, START, 2)
