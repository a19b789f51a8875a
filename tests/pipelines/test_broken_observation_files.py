"""Broken observation files: each is refused with a message that names the file and the problem."""

import random
import re
from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pandas as pd
import pytest

from align_da.errors import InputError
from align_da.observations.reports import checked_reports
from data_pipelines.observations.ioda import write_ioda
from data_pipelines.observations.read import read_observations

DATA = Path(__file__).parents[1] / "data" / "observations"
MESSAGE = (DATA / "temp_hires.bufr").read_bytes()
AIRCRAFT = (DATA / "aircraft.bufr").read_bytes()


def refused(path: Path, problem: str, form: str = "auto") -> None:
    with pytest.raises(InputError, match=rf"{re.escape(path.name)}.*{problem}"):
        read_observations([path], form)


def with_byte(content: bytes, place: int, value: int) -> bytes:
    return content[:place] + bytes([value]) + content[place + 1 :]


# temp_hires.bufr is one message of edition 3: category at byte 16, version of the tables at 18,
# descriptors from byte 85.
BUFR = {
    "empty": (b"", "expected BUFR messages, found none"),
    "text": (b"time,value\n1,2\n", "expected BUFR messages, found none"),
    "grib": (b"GRIB" + MESSAGE[4:], "expected BUFR messages, found none"),
    "only the name": (b"BUFR", "cut off"),
    "no length": (b"BUFR\0\0\0\4" + MESSAGE[8:], "expected 7777 at its end"),
    "cut in the head": (MESSAGE[:20], "message 1 at byte 0: expected 10104 bytes, got 20"),
    "cut in the data": (MESSAGE[:5000], "expected 10104 bytes, got 5000: the file is cut off"),
    "cut by a byte": (MESSAGE[:-1], "cut off"),
    "both messages cut": (AIRCRAFT[:99] + MESSAGE[:99], "message 1 at byte 0.*cut off|7777"),
    "edition 0": (with_byte(MESSAGE, 7, 0), "expected edition 2, 3 or 4, got 0"),
    "edition 5": (with_byte(MESSAGE, 7, 5), "expected edition 2, 3 or 4, got 5"),
    "no end": (MESSAGE[:-4] + b"8888", "expected 7777 at its end"),
    "length too short": (with_byte(MESSAGE, 6, 0x10), "expected 7777 at its end"),
    "length too long": (with_byte(MESSAGE, 4, 0x10), "cut off"),
    "another category": (with_byte(MESSAGE, 16, 12), "by category .*12: 1.*expected one of"),
    "tables of the future": (with_byte(MESSAGE, 18, 255), "cannot be decoded by eccodes"),
    "unknown descriptor": (with_byte(MESSAGE, 85, 0x3F), "cannot be decoded by eccodes"),
    "no descriptors": (
        MESSAGE[:85] + bytes(2) + MESSAGE[87:],
        "cannot be decoded by eccodes|without our variables",
    ),
    "data of zeros": (MESSAGE[:50] + bytes(len(MESSAGE) - 54) + b"7777", ""),
    "data of ones": (MESSAGE[:50] + b"\xff" * (len(MESSAGE) - 54) + b"7777", ""),
}


@pytest.mark.filterwarnings("ignore:.*reports are not read:UserWarning")
@pytest.mark.parametrize("case", BUFR)
def test_broken_bufr_is_refused(case: str, tmp_path: Path) -> None:
    content, problem = BUFR[case]
    path = tmp_path / "broken.bufr"
    path.write_bytes(content)
    refused(path, problem, "bufr")


@pytest.mark.filterwarnings("ignore:.*reports are not read:UserWarning")
def test_random_bytes_never_end_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "fuzzed.bufr"
    rng = random.Random(2)  # noqa: S311
    told: list[str] = []
    for _ in range(12):
        content = bytearray(AIRCRAFT[: int.from_bytes(AIRCRAFT[4:7], "big")])
        for _ in range(rng.randint(1, 6)):
            content[rng.randrange(8, len(content) - 4)] = rng.randrange(256)
        path.write_bytes(content)
        try:
            reports = read_observations([path], "bufr")
        except InputError as error:
            told.append(str(error))
        else:
            assert len(reports)
    assert told
    assert all("fuzzed.bufr" in message for message in told)


def test_a_file_without_tables_of_its_own_is_no_prepbufr() -> None:
    refused(DATA / "aircraft.bufr", "no PREPBUFR file", "prepbufr")


def test_a_missing_file_and_a_foreign_one_are_named(tmp_path: Path) -> None:
    refused(tmp_path / "none.bufr", "found no such file")
    (tmp_path / "photo.bin").write_bytes(b"\x89PNG\r\n")
    refused(tmp_path / "photo.bin", "expected BUFR, PREPBUFR, IODA")


def good() -> pd.DataFrame:
    count = 4
    return pd.DataFrame(
        {
            "value": [250.0, 260.0, 270.0, 280.0],
            "error": [1.0] * count,
            "latitude": [10.0, 20.0, 30.0, -40.0],
            "longitude": [100.0, 200.0, 300.0, 150.0],
            "level": [30000.0, 50000.0, 70000.0, 85000.0],
            "elevation": [5.0] * count,
            "time": ["2020-01-01T00:00:00"] * count,
            "vertical": ["level"] * count,
            "variable": ["temperature"] * count,
            "station_id": ["a", "b", "c", "d"],
            "type": ["radiosonde"] * count,
            "flag": ["pass"] * count,
        }
    )


TABLES: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "no rows": (lambda t: t.iloc[:0], "a table without rows"),
    "no value": (lambda t: t.drop(columns="value"), "missing: value"),
    "no time": (lambda t: t.drop(columns="time"), "missing: time"),
    "no station": (lambda t: t.drop(columns="station_id"), "missing: station_id"),
    "no variable": (lambda t: t.drop(columns="variable"), "missing: variable"),
    "station by number": (
        lambda t: t.rename(columns={"station_id": "station"}),
        "needed: value, .*station_id; optional: error, .*, file; missing: station_id; unknown",
    ),
    "strange column": (lambda t: t.assign(colour=1), "unknown: colour"),
    "text as value": (lambda t: t.assign(value="warm"), "'value': expected numbers"),
    "one text as value": (lambda t: t.assign(value=["1", "2", "x", "4"]), "first in row 3"),
    "unknown variable": (lambda t: t.assign(variable="tempreature"), "got tempreature"),
    "unknown flag": (lambda t: t.assign(flag="fine"), "'flag': expected one of .*got fine"),
    "unknown vertical": (lambda t: t.assign(vertical="up"), "'vertical': expected one of"),
    "wrong units": (lambda t: t.assign(units="m s-1"), "temperature: expected units of K"),
    "negative error": (lambda t: t.assign(error=[1, 1, -2.0, 1]), "got -2.0 in row 3"),
    "swapped": (
        lambda t: t.assign(latitude=t["longitude"], longitude=t["latitude"]),
        "seem to be swapped",
    ),
    "levels in hPa": (lambda t: t.assign(level=t["level"] / 100), "expected levels in Pa"),
    "pressure in hPa": (
        lambda t: t.assign(variable="surface_pressure", vertical="surface", value=1013.0),
        "expected surface pressures in Pa",
    ),
    "NaN everywhere": (lambda t: t.assign(value=np.nan), "expected values with a place and a"),
    "no place": (lambda t: t.assign(latitude=np.nan), "expected values with a place and a time"),
    "time as numbers": (lambda t: t.assign(time=1577836800), "expected times .*got numbers"),
    "time of another epoch": (
        lambda t: t.assign(time="0020-01-01T00:00:00"),
        "expected (1900 to 2100|times as)",
    ),
    "time as words": (lambda t: t.assign(time="New Year"), "expected times as 2020-01-31"),
    "impossible day": (lambda t: t.assign(time="2021-02-30T00:00:00"), "expected times as"),
}


@pytest.mark.parametrize("case", TABLES)
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_broken_table_is_refused(case: str, ending: str, tmp_path: Path) -> None:
    change, problem = TABLES[case]
    path = tmp_path / f"broken.{ending}"
    table = change(good())
    table.to_csv(path, index=False) if ending == "csv" else table.to_parquet(path, index=False)
    refused(path, problem)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_that_is_cut_off_is_refused(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"broken.{ending}"
    good().to_csv(path, index=False) if ending == "csv" else good().to_parquet(path)
    path.write_bytes(path.read_bytes()[:-5])
    refused(path, "not a readable table")


def test_the_unchanged_table_is_read(tmp_path: Path) -> None:
    good().drop(columns=["error", "elevation", "type", "flag"]).assign(units="degC").to_csv(
        tmp_path / "good.csv", index=False
    )
    found = read_observations([tmp_path / "good.csv"])
    assert found["value"].tolist() == [523.15, 533.15, 543.15, 553.15]
    assert found["error"].gt(0).all()
    assert (found["type"] == "other").all()


def renamed(group: str, old: str, new: str) -> Callable[[netCDF4.Dataset], None]:
    def change(file: netCDF4.Dataset) -> None:
        # netCDF cannot rename what it has read: a copy under the new name, in a group that is
        # made anew under the name of the old one.
        file.renameGroup(group, "old")
        made = file.createGroup(group)
        for name, source in file["old"].variables.items():
            target = made.createVariable(new if name == old else name, source.dtype, ("Location",))
            if hasattr(source, "units"):
                target.units = source.units
            target[:] = source[:]

    return change


def with_units(path: str, units: str) -> Callable[[netCDF4.Dataset], None]:
    return lambda file: file[path].setncattr("units", units)


def filled(path: str, values: object) -> Callable[[netCDF4.Dataset], None]:
    def change(file: netCDF4.Dataset) -> None:
        file[path][:] = values

    return change


def swapped(file: netCDF4.Dataset) -> None:
    places = file["MetaData"].variables
    latitude, longitude = places["latitude"][:], places["longitude"][:]
    places["latitude"][:], places["longitude"][:] = longitude, latitude


def claiming(file: netCDF4.Dataset) -> None:
    """A variable of 80 GB that nothing was ever written of."""
    file.createDimension("Many", 10**10)
    file["ObsValue"].createVariable("windEastward", "f8", ("Many",), chunksizes=(10**6,))


IODA: dict[str, tuple[Callable[[netCDF4.Dataset], None], str]] = {
    "no MetaData": (lambda f: f.renameGroup("MetaData", "Meta"), "the group 'MetaData', found"),
    "no ObsValue": (lambda f: f.renameGroup("ObsValue", "Obs"), "expected the group 'ObsValue'"),
    "no latitude": (renamed("MetaData", "latitude", "lat"), "expected MetaData/latitude"),
    "no longitude": (renamed("MetaData", "longitude", "lon"), "expected MetaData/longitude"),
    "no time": (renamed("MetaData", "dateTime", "datetime"), "expected MetaData/dateTime"),
    "no pressure": (renamed("MetaData", "pressure", "p"), "with a place and a time, got none"),
    "unknown variable": (
        renamed("ObsValue", "airTemperature", "brightnessTemperature"),
        "expected ObsValue of .*found brightnessTemperature",
    ),
    "wrong units": (with_units("ObsValue/airTemperature", "m s-1"), "expected units of K"),
    "no units": (with_units("ObsValue/airTemperature", ""), "expected units of K, got ''"),
    "wrong units of errors": (with_units("ObsError/airTemperature", "%"), "expected units of K"),
    "pressure in hPa": (with_units("MetaData/pressure", "hPa"), "expected units of Pa, got 'hPa'"),
    "pressure that must be in hPa": (filled("MetaData/pressure", 500.0), "expected levels in Pa"),
    "days": (with_units("MetaData/dateTime", "days since 1970-01-01"), "'seconds since ...', got"),
    "no epoch": (with_units("MetaData/dateTime", "seconds since then"), "expected a date after"),
    "another epoch": (
        with_units("MetaData/dateTime", "seconds since 1700-01-01T00:00:00Z"),
        "expected 1900 to 2100, got 1750",
    ),
    "another calendar": (
        lambda f: f["MetaData/dateTime"].setncattr("calendar", "360_day"),
        "expected the Gregorian calendar, got '360_day'",
    ),
    "absurd times": (filled("MetaData/dateTime", 2**60), "with a place and a time, got none"),
    "80 GB": (claiming, "bytes claim to become 80000000000, compression explains at most"),
    "swapped": (swapped, "seem to be swapped"),
    "NaN everywhere": (filled("ObsValue/airTemperature", np.nan), "expected values with a place"),
    "negative error": (filled("ObsError/airTemperature", -1.0), "expected positive errors"),
    "unknown flags": (filled("EffectiveQC/airTemperature", 77), "expected the flags .*got \\[77"),
}


@pytest.mark.filterwarnings("ignore:.*are not read:UserWarning")
@pytest.mark.parametrize("case", IODA)
def test_a_broken_ioda_file_is_refused(case: str, tmp_path: Path) -> None:
    change, problem = IODA[case]
    path = tmp_path / "broken.nc"
    write_ioda(path, checked_reports(good()))
    with netCDF4.Dataset(path, "a") as file:
        change(file)
    refused(path, problem)


@pytest.mark.parametrize("keep", [9, 500, 9000])
def test_a_netcdf_file_that_is_cut_off_is_refused(keep: int, tmp_path: Path) -> None:
    path = tmp_path / "broken.nc"
    write_ioda(path, checked_reports(good()))
    path.write_bytes(path.read_bytes()[:keep])
    refused(path, "")
