"""BUFR messages of every shape: profiles, flights, hours, heights, barometers, odd bytes.

Nothing of what they hold is left out but by a reason that is told.
"""

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bufr_file import TIME, bufr_message, ranked

from align_da.constants import GRAVITY
from align_da.errors import InputError
from data_pipelines.observations import child
from data_pipelines.observations.account import Account
from data_pipelines.observations.bufr_rows import levels_of, times_of
from data_pipelines.observations.conversions import pressure_of_flight_level
from data_pipelines.observations.framing import framed_messages
from data_pipelines.observations.read import read_files

PLACE = {"latitude": 52.2, "longitude": 14.1}
STATION = {"blockNumber": 10, "stationNumber": 394, **TIME, **PLACE}
STATION_HEAD = [301001, 301011, 301012, 301021]
FIVE = [1000.0, 2000.0, 3000.0, 4000.0, 5000.0]
TEMPERATURES = [279.0, 273.0, 267.0, 261.0, 255.0]
SPEEDS = [5.0, 10.0, 15.0, 20.0, 25.0]
DIRECTIONS = [251.0, 252.0, 253.0, 254.0, 255.0]
PROFILE = ranked(
    flightLevel=FIVE, airTemperature=TEMPERATURES, windSpeed=SPEEDS, windDirection=DIRECTIONS
)
FLIGHT = {"aircraftRegistrationNumberOrOtherIdentification": "TEST01", **TIME, "second": 30}


def read(path: Path, *messages: bytes) -> tuple[pd.DataFrame, Account]:
    path.write_bytes(b"".join(messages))
    reports, (account,) = read_files([path], "bufr")
    return reports, account


def of(reports: pd.DataFrame, variable: str, by: str = "level") -> pd.DataFrame:
    return reports[reports["variable"] == variable].sort_values(by, ascending=by != "level")


def test_every_level_of_a_profile_at_one_place_is_read(tmp_path: Path) -> None:
    values = {**FLIGHT, "latitude": 50.0, "longitude": 8.0, **PROFILE}
    reports, account = read(
        tmp_path / "profile.bufr", bufr_message(4, [311008], values, repeated=[5])
    )
    temperature = of(reports, "temperature")
    np.testing.assert_allclose(temperature["value"], TEMPERATURES)
    np.testing.assert_allclose(temperature["level"], pressure_of_flight_level(np.array(FIVE)))
    assert temperature["time"].unique().tolist() == [pd.Timestamp("2024-01-01T12:00:30")]
    np.testing.assert_allclose(temperature["latitude"], 50.0)
    wind = [of(reports, f"{name}_component_of_wind")["value"].to_numpy() for name in "uv"]
    np.testing.assert_allclose(np.hypot(*wind), SPEEDS)
    assert account.read == account.kept == 15


def test_every_level_of_a_profile_has_its_own_place(tmp_path: Path) -> None:
    # Each level has a place after its flight level; the last does not know its own.
    places = ranked(latitude=[50.0, 50.1, 50.2, 50.3, 50.4], longitude=[8.0, 8.1, 8.2, 8.3, 8.4])
    message = bufr_message(4, [311009], {**FLIGHT, **places, **PROFILE}, repeated=[5])
    reports, account = read(tmp_path / "profile.bufr", message)
    temperature = of(reports, "temperature")
    np.testing.assert_allclose(temperature["value"], TEMPERATURES)
    np.testing.assert_allclose(temperature["latitude"], [50.1, 50.2, 50.3, 50.4, np.nan])
    np.testing.assert_allclose(temperature["longitude"], [8.1, 8.2, 8.3, 8.4, np.nan])
    assert temperature["flag"].tolist() == ["pass"] * 4 + ["missing"]
    assert account.flagged == {"missing": 3}


def test_every_point_of_a_flight_is_read_and_midnight_is_passed(tmp_path: Path) -> None:
    points = ranked(
        hour=[23, 23, 0],
        minute=[50, 55, 5],
        latitude=[51.0, 52.0, 53.0],
        longitude=[9.0, 10.0, 11.0],
        flightLevel=[10000, 10500, 11000],
        airTemperature=[221.0, 222.0, 223.0],
        windDirection=[270, 270, 270],
        windSpeed=[31.0, 32.0, 33.0],
    )
    point = [301012, 301021, 7010, 12101, 11001, 11002, 8009]
    date = {"year": 2024, "month": 1, "day": 31, "aircraftFlightNumber": "TEST02"}
    message = bufr_message(4, [1006, 301011, 107003, *point], date | points)
    reports, account = read(tmp_path / "flight.bufr", message)
    temperature = of(reports, "temperature", "time")
    assert temperature["value"].tolist() == [221.0, 222.0, 223.0]
    expected = ["2024-01-31T23:50", "2024-01-31T23:55", "2024-02-01T00:05"]
    assert temperature["time"].tolist() == pd.to_datetime(expected).tolist()
    np.testing.assert_allclose(temperature["latitude"], [51.0, 52.0, 53.0])
    heights = np.array([10000.0, 10500.0, 11000.0])
    np.testing.assert_allclose(temperature["level"], pressure_of_flight_level(heights))
    assert account.kept == 9


def test_every_subset_has_its_own_levels(tmp_path: Path) -> None:
    values = {
        **FLIGHT,
        "aircraftRegistrationNumberOrOtherIdentification": ["A1", "B2", "C3"],
        "latitude": [50.0, 51.0, 52.0],
        "longitude": 8.0,
        **ranked(flightLevel=[1000, 2000]),
        "#1#airTemperature": [270.0, 271.0, 272.0],
        "#2#airTemperature": 260.0,
    }
    message = bufr_message(4, [311008], values, repeated=[2], subsets=3, compressed=True)
    reports, _ = read(tmp_path / "subsets.bufr", message)
    for place, name in enumerate(["A1", "B2", "C3"]):
        temperature = of(reports[reports["station_id"] == name], "temperature")
        assert temperature["value"].tolist() == [270.0 + place, 260.0]
        np.testing.assert_allclose(temperature["latitude"], 50.0 + place)


def test_every_hour_of_a_station_has_its_own_time(tmp_path: Path) -> None:
    hours = ranked(
        timePeriod=[0, -1, -2],
        airTemperature=[281.0, 282.0, 283.0],
        windDirection=[200, 200, 200],
        windSpeed=[4.0, 5.0, 6.0],
    )
    hour = [105003, 4024, 12101, 12103, 11001, 11002]
    reports, account = read(
        tmp_path / "hours.bufr", bufr_message(0, [*STATION_HEAD, *hour], STATION | hours)
    )
    expected = pd.to_datetime(["2024-01-01T10", "2024-01-01T11", "2024-01-01T12"]).tolist()
    for name, values in (
        ("2m_temperature", [283.0, 282.0, 281.0]),
        ("10m_u_component_of_wind", np.sin(np.deg2rad(20)) * np.array([6.0, 5.0, 4.0])),
    ):
        found = of(reports, name, "time")
        np.testing.assert_allclose(found["value"], values)
        assert found["time"].tolist() == expected
    assert set(reports["station_id"]) == {"10394"}
    assert account.kept == 9


def test_a_wind_is_at_the_time_of_its_report_not_of_its_mean(tmp_path: Path) -> None:
    # 3 07 080: period of precipitation, then time significance 2 (mean) and 10 minutes of wind.
    values = {
        **STATION,
        "airTemperature": 281.0,
        "#4#timePeriod": -24,
        "timeSignificance": 2,
        "#10#timePeriod": -10,
        "windDirection": 200,
        "windSpeed": 4.0,
        "#11#timePeriod": -60,
        "#1#maximumWindGustSpeed": 9.0,
    }
    plain = {key: value for key, value in values.items() if key != "timeSignificance"}
    messages = [
        bufr_message(0, [307080], one | {"latitude": latitude}, repeated=[0, 0])
        for one, latitude in ((values, 50.0), (plain, 51.0))
    ]
    reports, account = read(tmp_path / "winds.bufr", *messages)
    known = reports[reports["flag"] == "pass"]
    assert known["time"].unique().tolist() == [pd.Timestamp("2024-01-01T12")]
    assert len(known) == account.kept == 6
    assert account.left_out == {"maximumWindGustSpeed (not read)": 2}


def test_a_time_that_is_not_of_the_report_moves_nothing(tmp_path: Path) -> None:
    # A buoy tells when its position was last known (time significance 26).
    times = {"timeSignificance": 26, "#2#day": 1, "#2#hour": 6, "#2#minute": 30}
    message = bufr_message(
        1, [*STATION_HEAD, 8021, 4003, 301012, 12101], STATION | times | {"airTemperature": 281.0}
    )
    reports, _ = read(tmp_path / "buoy.bufr", message)
    assert reports["time"].unique().tolist() == [pd.Timestamp("2024-01-01T12")]


def test_a_second_sensor_at_the_same_time_is_counted(tmp_path: Path) -> None:
    sensors = ranked(
        heightOfSensorAboveLocalGroundOrDeckOfMarinePlatform=[2.0, 50.0],
        airTemperature=[281.0, 279.0],
    )
    message = bufr_message(0, [*STATION_HEAD, 102002, 7032, 12101], STATION | sensors)
    reports, account = read(tmp_path / "mast.bufr", message)
    assert of(reports, "2m_temperature")["value"].tolist() == [281.0]
    assert account.left_out == {"airTemperature (again at its place and time)": 1}


SOUNDING = [*STATION_HEAD, 106005, 8042, 7004, 10009, 12101, 11001, 11002]
PRESSURES = [90000.0, np.nan, 70000.0, np.nan, np.nan]
HEIGHTS = [1000.0, 2000.0, 3000.0, 4000.0, 5000.0]


def sounding(pressures: list[float], heights: list[float]) -> bytes:
    levels = ranked(
        extendedVerticalSoundingSignificance=[65536, 8192, 65536, 16384, 4096],
        pressure=pressures,
        nonCoordinateGeopotentialHeight=heights,
        airTemperature=TEMPERATURES,
        windSpeed=SPEEDS,
        windDirection=DIRECTIONS,
    )
    known = {key: value for key, value in levels.items() if np.isfinite(value)}
    return bufr_message(2, SOUNDING, STATION | known)


def test_standard_and_significant_levels_are_read(tmp_path: Path) -> None:
    pressures = [95000.0, 92500.0, 87300.0, 85000.0, 70000.0]
    reports, account = read(tmp_path / "sounding.bufr", sounding(pressures, HEIGHTS))
    temperature = of(reports, "temperature")
    assert temperature["level"].tolist() == pressures
    assert temperature["value"].tolist() == TEMPERATURES
    heights = of(reports, "geopotential")["value"]
    np.testing.assert_allclose(heights, np.array(HEIGHTS) * GRAVITY)
    assert account.kept == 20


def test_a_height_between_two_pressures_has_a_pressure_and_others_are_told(
    tmp_path: Path,
) -> None:
    with pytest.warns(UserWarning, match="2 levels of soundings have a height and no pressure"):
        reports, account = read(tmp_path / "sounding.bufr", sounding(PRESSURES, HEIGHTS))
    temperature = of(reports, "temperature")
    np.testing.assert_allclose(temperature["level"], [90000.0, np.sqrt(9e4 * 7e4), 70000.0])
    assert temperature["value"].tolist() == TEMPERATURES[:3]
    # The height that gave the pressure is no observation of it.
    known = of(reports, "geopotential").dropna(subset=["value"])
    np.testing.assert_allclose(known["value"], np.array([1000.0, 3000.0]) * GRAVITY)
    assert account.left_out == {"height without a pressure": 6}


def test_soundings_of_heights_alone_are_refused_with_the_reason(tmp_path: Path) -> None:
    names = {
        10009: "nonCoordinateGeopotentialHeight",
        7009: "geopotentialHeight",
        7002: "height",
        10003: "nonCoordinateGeopotential",
        7003: "geopotential",
    }
    messages = []
    for descriptor, name in names.items():
        winds = ranked(**{name: FIVE, "windSpeed": SPEEDS, "windDirection": DIRECTIONS})
        template = [*STATION_HEAD, 103005, descriptor, 11001, 11002]
        messages.append(bufr_message(2, template, STATION | winds))
    with pytest.raises(InputError, match=r"pilot\.bufr: 25 levels .* a height and no pressure"):
        read(tmp_path / "pilot.bufr", *messages)


GROUND = "heightOfStationGroundAboveMeanSeaLevel"
BAROMETER = "heightOfBarometerAboveMeanSeaLevel"
# Ground, barometer, elevation of a temperature, elevation of a pressure.
HEIGHTS_OF = {
    "tower": ({GROUND: 94.0}, 134.0, 94.0, 134.0),
    "deck": ({GROUND: 0.0}, 32.0, 0.0, 32.0),
    "barometer only": ({}, 134.0, 134.0, 134.0),
    "ground only": ({GROUND: 94.0}, None, 94.0, 94.0),
    "neither": ({}, None, np.nan, np.nan),
}


def test_a_pressure_has_the_height_of_its_barometer(tmp_path: Path) -> None:
    messages = []
    for latitude, (heights, barometer, _, _) in enumerate(HEIGHTS_OF.values()):
        given = heights if barometer is None else heights | {BAROMETER: barometer}
        values = {"nonCoordinatePressure": 99650.0, "airTemperature": 270.0, **TIME, **given}
        for category, template, repeated in ((0, 307080, [0, 0]), (1, 308009, [0])):
            place = {"latitude": float(latitude), "longitude": float(category)}
            messages.append(bufr_message(category, [template], values | place, repeated=repeated))
    reports, _ = read(tmp_path / "stations.bufr", *messages)
    for kind in ("synop", "ship"):
        found = reports[reports["type"] == kind]
        for name, place in (("surface_pressure", 3), ("2m_temperature", 2)):
            elevations = of(found, name, "latitude")["elevation"]
            np.testing.assert_equal(
                elevations.to_numpy(), [case[place] for case in HEIGHTS_OF.values()]
            )


def test_a_standard_surface_is_no_pressure_of_a_station(tmp_path: Path) -> None:
    # Mountain stations report the height of a standard surface in the place of the pressure.
    values = STATION | {"pressure": 85000.0, "airTemperature": 270.0}
    message = bufr_message(0, [307080], values, repeated=[0, 0])
    reports, _ = read(tmp_path / "mountain.bufr", message)
    assert of(reports, "surface_pressure")["value"].isna().all()


def named(station: str, temperature: float = 281.0) -> bytes:
    values = {"stationOrSiteName": station, **TIME, **PLACE, "airTemperature": temperature}
    return bufr_message(0, [1015, 301011, 301012, 301021, 12101], values)


def test_one_odd_byte_in_a_name_is_mended_and_told(tmp_path: Path) -> None:
    odd = named("BODX").replace(b"BODX", b"BOD\xd8")
    with pytest.warns(UserWarning, match=r"odd\.bufr: the names of 1 reports .*BOD\?"):
        reports, account = read(tmp_path / "odd.bufr", named("OSLO"), odd)
    assert sorted(reports["station_id"].unique()) == ["BOD?", "OSLO"]
    assert account.kept == 2


def test_a_station_without_a_number_has_its_wigos_identifier(tmp_path: Path) -> None:
    values = {
        "wigosIdentifierSeries": 0,
        "wigosIssuerOfIdentifier": 840,
        "wigosIssueNumber": 2,
        "wigosLocalIdentifierCharacter": "AB1",
        "stationOrSiteName": "FIELD",
        **TIME,
        **PLACE,
        "airTemperature": 281.0,
    }
    template = [301150, 1015, 301011, 301012, 301021, 12101]
    reports, _ = read(tmp_path / "wigos.bufr", bufr_message(0, template, values))
    assert set(reports["station_id"]) == {"0-840-2-AB1"}


GOOD = [named("FIRST"), named("SECOND", 282.0), named("THIRD", 283.0)]


def with_byte(content: bytes, place: int, value: int) -> bytes:
    return content[:place] + bytes([value]) + content[place:][1:]


DAMAGE = {
    "no end": (GOOD[1][:-4] + b"8888", "expected 7777 at its end"),
    "length too long": (with_byte(GOOD[1], 5, 1), "cut off"),
    "length too short": (with_byte(GOOD[1], 6, 40), "expected 7777 at its end after 40 bytes"),
    "a length of nothing": (with_byte(GOOD[1], 6, 0), "expected 7777 at its end after 0 bytes"),
    "an edition of the future": (with_byte(GOOD[1], 7, 9), "expected edition 2, 3 or 4, got 9"),
    "cut": (GOOD[1][:50], "expected 7777 at its end"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_frame_does_not_cost_the_others(case: str, tmp_path: Path) -> None:
    hurt, problem = DAMAGE[case]
    path = tmp_path / "amid.bufr"
    path.write_bytes(GOOD[0] + hurt + GOOD[2])
    messages, damaged = framed_messages(path)
    assert [message.number for message in messages] == [1, 3]
    assert messages[1].start == len(GOOD[0] + hurt)
    assert re.search(f"^message 2 at byte {len(GOOD[0])}: .*{problem}", damaged[2])


def test_damaged_messages_are_counted_and_told(tmp_path: Path) -> None:
    frame = with_byte(GOOD[1], 7, 9)
    tables = with_byte(GOOD[1], 21, 255)
    told = r"amid\.bufr: 2 of 4 messages .*message 2 at byte .*; message 3 cannot be decoded"
    with pytest.warns(UserWarning, match=told):
        reports, account = read(tmp_path / "amid.bufr", GOOD[0], frame, tables, GOOD[2])
    assert reports["station_id"].unique().tolist() == ["FIRST", "THIRD"]
    assert account.left_out == {"damaged message": 2}
    assert account.read == 2 + len(reports)


def test_a_tail_that_is_cut_off_is_told(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="message 3 at byte .*the file is cut off"):
        reports, account = read(tmp_path / "tail.bufr", *GOOD[:2], GOOD[2][:-9])
    assert reports["station_id"].unique().tolist() == ["FIRST", "SECOND"]
    assert account.left_out == {"damaged message": 1}


def test_bytes_between_messages_cost_nothing(tmp_path: Path) -> None:
    garbage = b"\r\r\nISMD01 EDZW 011200\r\r\n7777 BUFF \xff\x00"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reports, account = read(
            tmp_path / "gts.bufr", garbage, GOOD[0], garbage, *GOOD[1:], garbage
        )
    assert reports["station_id"].unique().tolist() == ["FIRST", "SECOND", "THIRD"]
    assert account.left_out == {}


def test_a_message_that_ends_the_decoder_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "decode_bufr.py"
    real = Path(child.__file__).with_name("decode_bufr.py").read_text()
    program.write_text(
        real.replace(
            "    handle = eccodes.codes_new_from_message(message)\n",
            "    import os\n    if number == 2: os.abort()\n"
            "    handle = eccodes.codes_new_from_message(message)\n",
            1,
        )
    )
    monkeypatch.setattr(child, "__file__", str(program))
    with pytest.warns(UserWarning, match=r"message 2 cannot be decoded by eccodes \(signal 6,"):
        reports, account = read(tmp_path / "crash.bufr", *GOOD)
    assert reports["station_id"].unique().tolist() == ["FIRST", "THIRD"]
    assert account.left_out == {"damaged message": 1}


def inflated(elements: int) -> bytes:
    """A few hundred bytes that stand for `elements` values of each of 65535 subsets."""
    head = {**TIME, **PLACE}
    descriptors = [301011, 301012, 301021, 101000 + elements, 12101]
    return bufr_message(0, descriptors, head, subsets=65535, compressed=True)


def test_a_message_that_asks_for_too_much_memory_is_left_out_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values, their elements and their subsets take 24 bytes each: 105 MB, of 67 MB allowed."""
    monkeypatch.setattr(child, "_SLACK", 2**26)
    bomb = inflated(elements=60)
    assert len(bomb) < 500
    expected = r"message 2 cannot be decoded by eccodes \(expected to be decoded within \d+ bytes"
    with pytest.warns(UserWarning, match=expected):
        reports, account = read(tmp_path / "bomb.bufr", GOOD[0], bomb, *GOOD[1:])
    assert reports["station_id"].unique().tolist() == ["FIRST", "SECOND", "THIRD"]
    assert account.left_out == {"damaged message": 1}


def test_a_file_that_asks_for_too_much_memory_alone_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "_SLACK", 2**26)
    with pytest.raises(InputError, match=r"got .*MemoryError.*\): it is damaged, remove it"):
        read(tmp_path / "bomb.bufr", inflated(elements=60))


def test_a_file_of_damaged_messages_alone_is_refused(tmp_path: Path) -> None:
    hurt = with_byte(GOOD[1], 21, 255)
    with pytest.raises(InputError, match=r"all\.bufr: message 1 cannot be decoded by eccodes"):
        read(tmp_path / "all.bufr", hurt, hurt)


def test_what_is_not_read_is_counted_by_name(tmp_path: Path) -> None:
    values = {**STATION, "airTemperature": 281.0, "relativeHumidity": 80, "cloudCoverTotal": 50}
    other = bufr_message(12, [*STATION_HEAD, 12101], STATION | {"airTemperature": 281.0})
    message = bufr_message(0, [*STATION_HEAD, 12101, 13003, 20010, 20011], values)
    with pytest.warns(UserWarning, match=r"not read, by category .*\{12: 1\}"):
        _, account = read(tmp_path / "more.bufr", message, message, other)
    assert account.left_out == {
        "category 12": 1,
        "cloudCoverTotal (not read)": 2,
        "relativeHumidity (not read)": 2,
    }
    told = account.kept + sum(account.flagged.values()) + sum(account.left_out.values())
    assert account.read == told
    assert re.search(r"relativeHumidity \(not read\) 2", str(account))


def test_a_level_ends_where_its_coordinate_is_given_anew() -> None:
    rows = levels_of(
        [
            ("latitude", 50.0), ("height", 10.0), ("pressure", 1e5), ("airTemperature", 280.0),
            ("pressure", 9e4), ("airTemperature", 270.0), ("windSpeed", np.nan),
            ("latitude", 51.0), ("airTemperature", 260.0),
            ("pressure", 8e4), ("pressure", 7e4),
        ]
    )  # fmt: skip
    assert [(row["pressure"], row["latitude"], row["airTemperature"]) for row in rows] == [
        (1e5, 50.0, 280.0), (9e4, 50.0, 270.0), (9e4, 51.0, 260.0),
    ]  # fmt: skip
    assert "height" not in rows[1]


def test_a_level_without_a_pressure_does_not_take_that_of_another() -> None:
    rows = levels_of(
        [
            ("pressure", 1e5), ("nonCoordinateGeopotentialHeight", 100.0), ("windSpeed", 1.0),
            ("nonCoordinateGeopotentialHeight", 900.0), ("windSpeed", 2.0),
        ]
    )  # fmt: skip
    assert [row.get("pressure") for row in rows] == [1e5, None]


def test_two_parts_of_a_station_report_are_one_row() -> None:
    rows, again = times_of(
        [
            ("latitude", 50.0), ("hour", 12.0), ("airTemperature", 280.0),
            ("timePeriod", -600.0), ("windSpeed", 4.0), ("windDirection", 90.0),
            ("timePeriod", -3600.0), ("airTemperature", 279.0),
        ]
    )  # fmt: skip
    assert [(row["airTemperature"], row["timePeriod"]) for row in rows] == [
        (280.0, 0.0), (279.0, -3600.0),
    ]  # fmt: skip
    assert rows[0]["windSpeed"] == 4.0
    assert not again
