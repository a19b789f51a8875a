"""Readers on real messages; expected counts are those of eccodes' own listing of the files."""

import shutil
from pathlib import Path

import metpy.calc
import numpy as np
import pandas as pd
import pdbufr
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metpy.units import units

from align_da.errors import InputError, StorageError
from align_da.observations.reports import checked_reports, summary_of
from align_da.storage.gridded import open_states
from align_da.storage.report_file import digest_of_reports, read_reports, write_reports
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import digest_of_stage
from data_pipelines.observations.bufr import read_bufr
from data_pipelines.observations.conversions import (
    pressure_of_flight_level,
    specific_humidity,
    wind_components,
)
from data_pipelines.observations.error_table import with_errors
from data_pipelines.observations.ioda import read_ioda, write_ioda
from data_pipelines.observations.read import format_of, read_observations
from data_pipelines.observations.stage import make_reports

DATA = Path(__file__).parents[1] / "data" / "observations"
pytestmark = pytest.mark.filterwarnings("ignore:.*reports are not read:UserWarning")


@pytest.fixture(scope="module")
def soundings() -> pd.DataFrame:
    return with_errors(checked_reports(read_bufr(DATA / "temp.bufr").table))


@pytest.fixture(scope="module")
def few() -> pd.DataFrame:
    return read_observations([DATA / "temp_small.bufr", DATA / "aircraft.bufr"])


def test_every_station_and_level_of_the_soundings_is_read(soundings: pd.DataFrame) -> None:
    assert soundings["station_id"].nunique() == 420
    temperature = soundings[soundings["variable"] == "temperature"]
    # 26196 pressures stand in the file; 191 of them are of wind shear, without anything we read.
    assert len(temperature) == 26196 - 191
    assert (temperature["level"] == 50000).sum() == 415
    assert (soundings["variable"] == "surface_pressure").sum() == 420


def test_what_is_missing_keeps_its_row_and_is_flagged(soundings: pd.DataFrame) -> None:
    nothing = ~np.isfinite(soundings["value"])
    assert nothing.sum() > 10000
    assert (soundings.loc[nothing, "flag"] == "missing").all()
    assert (soundings.loc[~nothing, "flag"] == "pass").all()
    assert soundings["error"].gt(0).all()


def test_soundings_equal_those_of_pdbufr(few: pd.DataFrame) -> None:
    expected = pdbufr.read_bufr(
        str(DATA / "temp_small.bufr"),
        columns=("WMO_station_id", "latitude", "pressure", "airTemperature", "windSpeed"),
        required_columns=["pressure", "airTemperature"],
    )
    found = few[few["type"] == "radiosonde"].query("flag == 'pass'")
    for station, rows in expected.groupby("WMO_station_id"):
        ours = found[found["station_id"] == f"{station:05d}"]
        temperature = ours[ours["variable"] == "temperature"]
        theirs = rows.dropna(subset=["airTemperature"])
        np.testing.assert_array_equal(
            np.sort(temperature["value"]), np.sort(theirs["airTemperature"])
        )
        np.testing.assert_array_equal(np.sort(temperature["level"]), np.sort(theirs["pressure"]))
        u, v = (
            ours[ours["variable"] == f"{name}_component_of_wind"]["value"].to_numpy()
            for name in "uv"
        )
        speed = rows["windSpeed"].dropna()
        np.testing.assert_allclose(np.sort(np.hypot(u, v)), np.sort(speed), atol=1e-12)


def test_aircraft_report_at_the_pressure_of_their_altimeter(few: pd.DataFrame) -> None:
    first = few[(few["station_id"] == "EU6349") & (few["variable"] == "temperature")]
    assert first["value"].tolist()[0] == pytest.approx(230.8)
    # 7620 m are flight level 250, 376.0 hPa (ICAO Doc 7488).
    assert first["level"].tolist()[0] == pytest.approx(37600, rel=2e-4)


def test_new_templates_give_heights_and_seconds() -> None:
    reports = checked_reports(read_bufr(DATA / "temp_hires.bufr").table)
    assert reports["time"].unique().tolist() == [pd.Timestamp("2025-02-23T10:45:04")]
    height = reports[(reports["variable"] == "geopotential") & (reports["level"] == 50000)]
    assert height["value"].item() / 9.80665 == pytest.approx(5673.7, abs=0.1)
    assert (reports["variable"] == "surface_pressure").sum() == 1


def test_every_subset_of_a_message_is_read() -> None:
    reports = checked_reports(read_bufr(DATA / "synop_multi_subset_uncompressed.bufr").table)
    with_pdbufr = pdbufr.read_bufr(
        str(DATA / "synop_multi_subset_uncompressed.bufr"),
        columns=("latitude", "longitude", "airTemperature"),
        required_columns=["latitude"],
    )
    found = reports[reports["variable"] == "2m_temperature"]
    assert len(found) == with_pdbufr.groupby(["latitude", "longitude"]).ngroups
    assert set(found["value"].dropna()) <= set(with_pdbufr["airTemperature"])


@pytest.mark.filterwarnings("default:.*reports are not read:UserWarning")
def test_reports_without_our_variables_are_counted() -> None:
    with pytest.warns(UserWarning, match=r"synop\.bufr: reports are not read.*-1: 150"):
        reports = checked_reports(read_bufr(DATA / "synop.bufr").table)
    assert (reports["variable"] == "surface_pressure").sum() == 150
    assert "synop" in summary_of(reports)


def test_humidity_equals_that_of_metpy() -> None:
    dewpoint = np.linspace(223, 303, 30)
    pressure = np.linspace(25000, 101000, 30)
    found = specific_humidity(dewpoint, pressure)
    expected = metpy.calc.specific_humidity_from_dewpoint(
        pressure * units.Pa, dewpoint * units.K
    ).to("kg/kg")
    # Bolton's fit is good to 0.3 % above -35 degrees; MetPy's formula is another.
    np.testing.assert_allclose(found, expected.magnitude, rtol=0.02)
    np.testing.assert_allclose(found[10:], expected.magnitude[10:], rtol=0.005)


def test_flight_levels_equal_the_standard_atmosphere_of_metpy() -> None:
    height = np.linspace(0, 10900, 20)
    expected = metpy.calc.height_to_pressure_std(height * units.m).to("Pa").magnitude
    np.testing.assert_allclose(pressure_of_flight_level(height), expected, rtol=1e-3)
    # ICAO Doc 7488: 22632 Pa at 11 km, 5475 Pa at 20 km.
    np.testing.assert_allclose(
        pressure_of_flight_level(np.array([11000.0, 20000.0])), [22632, 5475], rtol=1e-3
    )


@given(st.floats(0, 360), st.floats(0, 100))
def test_winds_equal_those_of_metpy(direction: float, speed: float) -> None:
    found = wind_components(np.array([direction]), np.array([speed]))
    expected = metpy.calc.wind_components(speed * units("m/s"), direction * units.degrees)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs.magnitude, atol=1e-9)


def test_errors_are_linear_in_the_logarithm_of_pressure() -> None:
    rows = pd.DataFrame(
        {
            "type": "radiosonde",
            "variable": "u_component_of_wind",
            "level": [50000.0, 25000.0, np.sqrt(25000.0 * 30000.0), np.nan],
            "error": [np.nan, np.nan, np.nan, 7.0],
        }
    )
    # NCEP: 2.1 m/s at 500 hPa, 3.2 at 250 and 3.0 at 300.
    np.testing.assert_allclose(with_errors(rows)["error"], [2.1, 3.2, 3.1, 7.0])


def test_the_order_of_files_and_rows_does_not_change_a_bit(few: pd.DataFrame) -> None:
    again = read_observations([DATA / "aircraft.bufr", DATA / "temp_small.bufr"])
    assert digest_of_reports(again) == digest_of_reports(few)
    shuffled = checked_reports(few.sample(frac=1, random_state=3))
    assert digest_of_reports(shuffled) == digest_of_reports(few)


def test_reports_survive_an_ioda_file(few: pd.DataFrame, tmp_path: Path) -> None:
    numbers = ["value", "error", "latitude", "longitude", "level", "elevation"]
    single = few.assign(**{name: few[name].astype("float32").astype(float) for name in numbers})
    twice = single.iloc[[5, 700]].assign(value=1.5, flag="background")
    given_ = checked_reports(pd.concat([single, twice]).drop(columns="file"))
    write_ioda(tmp_path / "out.nc", given_)
    assert format_of(tmp_path / "out.nc") == "ioda"
    found = checked_reports(read_ioda(tmp_path / "out.nc").table)
    geopotential = given_["variable"] == "geopotential"  # heights in the file
    pd.testing.assert_frame_equal(
        found[~geopotential], given_[~geopotential], check_dtype=False, check_exact=True
    )
    pd.testing.assert_frame_equal(
        found[geopotential], given_[geopotential], check_dtype=False, rtol=1e-6
    )


def test_reports_survive_their_file(few: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "run" / "observations.parquet"
    digest = write_reports(path, few)
    content = path.read_bytes()
    found = read_reports(path)
    assert digest_of_reports(found) == digest
    write_reports(path, found)
    assert path.read_bytes() == content


def test_damaged_reports_are_refused(few: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "observations.parquet"
    with pytest.raises(StorageError, match=r"observations\.parquet: expected the reports"):
        read_reports(path)
    write_reports(path, few)
    content = path.read_bytes()
    for place in range(8, len(content), len(content) // 15):
        damaged = bytearray(content)
        damaged[place] ^= 255
        path.write_bytes(damaged)
        try:
            found = read_reports(path)
        except StorageError:
            continue
        assert digest_of_reports(found) == digest_of_reports(few)


def test_the_stage_counts_and_is_done_once(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    told = make_reports([DATA / "aircraft.bufr"], "auto", folder)
    assert "900 observations" in told
    assert "aircraft.bufr: 900 reports read, " in told
    written = folder.observations.stat().st_mtime_ns
    assert make_reports([DATA / "aircraft.bufr"], "auto", folder) == told
    assert folder.observations.stat().st_mtime_ns == written
    folder.observations.unlink()
    assert make_reports([DATA / "aircraft.bufr"], "auto", folder) == told


def test_a_file_that_cannot_be_read_leaves_the_reports_that_are_there(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    make_reports([DATA / "temp_small.bufr"], "auto", folder)
    made = digest_of_stage(folder, "observations")
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("station_id,colour\n1,red\n")
    with pytest.raises(InputError, match=r"wrong\.csv"):
        make_reports([wrong], "auto", folder)
    assert digest_of_stage(folder, "observations") == made


def test_a_file_without_a_usable_report_is_told_where_it_is_read(tmp_path: Path) -> None:
    rejected = read_observations([DATA / "temp_small.bufr"]).assign(flag="bounds")
    rejected.drop(columns="file").to_csv(tmp_path / "rejected.csv", index=False)
    files = [DATA / "temp_small.bufr", tmp_path / "rejected.csv"]
    told = make_reports(files, "auto", RunFolder(tmp_path))
    assert "no report of rejected.csv can be used" in told
    assert "no report of temp_small.bufr can be used" not in told


def test_a_file_whose_reports_are_of_other_days_than_the_run_is_told(
    folder: Path, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "run")
    shutil.copytree(RunFolder(folder).truth, run.truth)
    begin = open_states(run.truth)["time"].to_numpy()[0]
    reports = read_observations([DATA / "temp_small.bufr"]).drop(columns="file")
    moved = reports["time"] + (begin - reports["time"].to_numpy("datetime64[ns]").min())
    of_run = tmp_path / "of_run.csv"
    reports.assign(time=moved).to_csv(of_run, index=False)
    told = make_reports([DATA / "temp_small.bufr", of_run], "auto", run)
    said = "no report of {} is of the time of this run, "
    assert said.format("temp_small.bufr") + str(begin.astype("datetime64[s]")) in told
    assert said.format("of_run.csv") not in told


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(30)))
def test_reports_in_any_order_become_one_order(order: list[int]) -> None:
    rows = pd.DataFrame(
        {
            "value": np.arange(30.0) % 4,
            "error": 1.0,
            "latitude": np.arange(30.0) % 3,
            "longitude": 10.0,
            "level": 50000.0,
            "elevation": np.nan,
            "time": pd.Timestamp("2020-01-01"),
            "vertical": "level",
            "variable": "temperature",
            "station_id": "a",
            "type": "radiosonde",
            "flag": "pass",
        }
    )
    pd.testing.assert_frame_equal(checked_reports(rows.iloc[order]), checked_reports(rows))
