"""Files that hide a trap, and what becomes of every report in them.

The table in `tests/data/observations/cases/README.md` is what this test finds.
"""

import warnings
from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pandas as pd
import pytest

from align_da.errors import InputError
from align_da.observations.reports import checked_reports
from data_pipelines.observations.consistency import consistent_reports
from data_pipelines.observations.conversions import specific_humidity
from data_pipelines.observations.ioda import write_ioda
from data_pipelines.observations.read import read_files

CASES = Path(__file__).parents[1] / "data" / "observations" / "cases"
CONTENT = {
    "lon_fill.csv": "longitudes −999, 9999, −9999, 99999, 32767 and 720",
    "lon_fill_ioda.nc": "longitudes −999, 9999 and 400",
    "derived.nc": "the wind is in DerivedObsValue, ObsValue holds zeros",
    "derived_temperature.nc": "a temperature that was corrected",
    "derived_error.nc": "an error that was enlarged from 0.5 to 5 K",
    "effectiveqc.nc": "flags of UFO",
    "effectiveqc0.nc": "flags of UFO by outer loop",
    "effectiveqc_preqc11.nc": "flags that UFO alone gives",
    "gsieffectiveqc.nc": "what GSI has used",
    "preqc.nc": "marks of NCEP",
    "qualitymarker.nc": "marks of NCEP under their newer name",
    "tv_and_t.nc": "virtual temperature, wind speed and direction",
    "zeros.csv": "numbers of WMO with zeros in front",
    "zeros_and_blank.csv": "the same and a station without a name",
    "callsign_na.csv": "call signs NA and NULL",
    "callsign_exponent.csv": "call signs 5E3, 7E2 and 1E9",
}


def outcome(path: Path) -> str:
    """What becomes of the reports of a file, in the order of stations, and what is told."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        reports, (account,) = read_files([path])
    assert account.read == account.kept + sum(
        sum(counts.values()) for counts in (account.flagged, account.left_out)
    )
    symbols = {"temperature": "T", "u_component_of_wind": "u", "v_component_of_wind": "v"}
    rows = [
        f"{row.station_id} {symbols[row.variable]} "
        + (f"{round(row.value, 2) + 0.0:g} ± {row.error:g}" if row.flag == "pass" else row.flag)
        for row in reports.itertuples()
    ]
    return ", ".join(rows) + "".join(f"; told: {warning.message}" for warning in told)


def test_the_table_of_cases_says_what_becomes_of_them() -> None:
    found = [f"| `{name}` | {what} | {outcome(CASES / name)} |" for name, what in CONTENT.items()]
    text = (CASES / "README.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert rows == found
    assert {path.name for path in CASES.iterdir()} == {*CONTENT, "README.md"}


def reports(**changes: object) -> pd.DataFrame:
    """Two reports; the changes are those of the second."""
    row = {
        "value": 280.0,
        "error": 1.0,
        "latitude": 45.0,
        "longitude": 200.0,
        "level": 85000.0,
        "elevation": 100.0,
        "time": "2020-01-01T00:00:00",
        "vertical": "level",
        "variable": "temperature",
        "station_id": "a",
        "type": "radiosonde",
        "flag": "pass",
    }
    return pd.DataFrame([row, {**row, "station_id": "b", **changes}])


WRONG = {
    **{f"latitude {x}": ({"latitude": x}, "missing") for x in (-999.0, 9999.0, -32768.0, 1e31)},
    **{f"latitude {x}": ({"latitude": x}, "domain") for x in (90.1, -91.0, 999.0)},
    **{f"longitude {x}": ({"longitude": x}, "domain") for x in (400.0, -181.0, 361.0)},
    **{f"level {x}": ({"level": x}, "missing") for x in (-999.0, 9999.0, 32767.0, 99999.0)},
    **{f"level {x}": ({"level": x}, "domain") for x in (0.0, -500.0, 250000.0)},
    **{f"value {x}": ({"value": x}, "missing") for x in (-999.0, -9999.0, 9999.0, 1.7e38)},
    "time 9999": ({"time": "9999-12-31T23:59:59"}, "missing"),
    "time 1858": ({"time": "1858-11-17T00:00:00"}, "missing"),
    "no time": ({"time": ""}, "missing"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_number_is_told_before_it_becomes_one(case: str) -> None:
    changes, flag = WRONG[case]
    found = checked_reports(reports(**changes)).set_index("station_id")["flag"]
    assert found.to_dict() == {"a": "pass", "b": flag}


def test_a_fill_value_is_none_in_any_unit(tmp_path: Path) -> None:
    path = tmp_path / "degrees.csv"
    reports(value=-999.0).assign(units="degC").to_csv(path, index=False)
    table, _ = read_files([path])
    assert table.set_index("station_id")["flag"].to_dict() == {"a": "pass", "b": "missing"}
    heights = reports(value=9999.0).assign(variable="geopotential")
    write_ioda(tmp_path / "heights.nc", checked_reports(heights.assign(value=9999.0 * 9.80665)))
    with pytest.raises(InputError, match="expected values with a place and a time, got none"):
        read_files([tmp_path / "heights.nc"])


UNITS = {
    "latitude": "degrees_north",
    "longitude": "degrees_east",
    "pressure": "Pa",
    "windSpeed": "m s-1",
    "windDirection": "degree",
}


@pytest.fixture
def ioda(tmp_path: Path) -> Callable[..., Path]:
    """A file of two stations at 850 hPa, and groups of variables of the given numbers."""
    places = {"latitude": [45.0, 46.0], "longitude": [10.0, 20.0], "pressure": [85000.0, 85000.0]}

    def make(names: np.ndarray | None = None, **groups: dict[str, list[float]]) -> Path:
        with netCDF4.Dataset(tmp_path / "reports.nc", "w") as file:
            file.createDimension("Location", 2)
            file.createDimension("letters", 8)
            for group, variables in {"MetaData": places, **groups}.items():
                file.createGroup(group)
                for name, numbers in variables.items():
                    made = file[group].createVariable(name, "f8", ("Location",), fill_value=-1e38)
                    made.units = UNITS.get(name, "K")
                    made[:] = np.ma.masked_invalid(numbers)
            time = file["MetaData"].createVariable("dateTime", "i8", ("Location",))
            time.units = "seconds since 2020-01-01T00:00:00Z"
            time[:] = [0, 60]
            names = np.asarray([1001, 72403], np.int32) if names is None else names
            shape = ("Location", "letters")[: names.ndim]
            file["MetaData"].createVariable("stationIdentification", names.dtype, shape)[:] = names
        return tmp_path / "reports.nc"

    return make


def temperature(**groups: list[float]) -> dict[str, dict[str, list[float]]]:
    """Groups of an air temperature of 280 K at both stations."""
    given = {"ObsValue": [280.0, 280.0], **groups}
    return {group: {"airTemperature": numbers} for group, numbers in given.items()}


@pytest.mark.parametrize(
    ("groups", "flags"),
    [
        ({"EffectiveQC0": [0, 0], "EffectiveQC1": [0, 20]}, ["pass", "sea_ice"]),
        ({"EffectiveQC0": [0, 19], "EffectiveQC1": [0, 0]}, ["pass", "pass"]),
        ({"EffectiveQC2": [0, 12], "EffectiveQC10": [0, 0]}, ["pass", "pass"]),
        ({"EffectiveQC0": [0, 31], "PreQC": [9, 0]}, ["bounds", "superob"]),
        ({"GsiUseFlag": [1, -1]}, ["pass", "pre_qc"]),
        ({"GsiEffectiveQC": [0, 7], "PreUseFlag": [1, 1]}, ["pass", "pre_qc"]),
        ({"QualityMarker": [2, np.nan]}, ["pass", "bounds"]),
        ({"PreQC": [3, -1]}, ["passive", "bounds"]),
    ],
)
def test_a_report_that_anybody_has_rejected_is_not_used(
    groups: dict[str, list[float]], flags: list[str], ioda: Callable[..., Path]
) -> None:
    assert read_files([ioda(**temperature(**groups))])[0]["flag"].tolist() == flags


@pytest.mark.parametrize("group", ["DiagnosticFlags", "QualityInformation", "PreUseFlag", "MyQC"])
def test_a_verdict_that_is_not_understood_is_refused_by_name(
    group: str, ioda: Callable[..., Path]
) -> None:
    with pytest.raises(InputError, match=rf"reports\.nc.*what was decided.*got {group}"):
        read_files([ioda(**temperature(**{group: [1, 1]}))])


def test_other_groups_that_are_not_read_are_named(ioda: Callable[..., Path]) -> None:
    with pytest.warns(UserWarning, match="groups that are not read: ObsBias, ObsType"):
        read_files([ioda(**temperature(ObsBias=[0, 0], ObsType=[120, 120], hofx0=[280, 280]))])


def test_winds_and_temperatures_become_those_of_the_state(ioda: Callable[..., Path]) -> None:
    given = {
        "airTemperature": [np.nan, 279.5],
        "virtualTemperature": [280.0, 285.0],
        "dewpointTemperature": [278.0, 279.0],
        "windSpeed": [10.0, np.nan],
        "windDirection": [270.0, 90.0],
    }
    found, (account,) = read_files([ioda(ObsValue=given)])
    of = {name: rows.set_index("station_id") for name, rows in found.groupby("variable")}
    assert of["u_component_of_wind"]["value"]["01001"] == pytest.approx(10.0)
    assert of["v_component_of_wind"]["value"]["01001"] == pytest.approx(0.0, abs=1e-9)
    assert of["u_component_of_wind"]["flag"]["72403"] == "missing"
    humidity = specific_humidity(np.asarray([278.0]), np.asarray([85000.0])).item()
    assert of["specific_humidity"]["value"]["01001"] == pytest.approx(humidity)
    # Bolton 1980: T_v = T (1 + 0.608 q); where there is a temperature, it stays.
    expected = [280.0 / (1 + 0.608 * humidity), 279.5]
    np.testing.assert_allclose(of["temperature"]["value"], expected, atol=1e-3)
    assert account.read == 10
    assert sum(account.left_out.values()) == 2


def test_names_of_characters_and_of_numbers_are_one_station(ioda: Callable[..., Path]) -> None:
    letters = netCDF4.stringtochar(np.asarray(["01001", "72403   "], "S8"))
    for names in (None, letters):
        reports, _ = read_files([ioda(names, **temperature())])
        assert set(reports["station_id"]) == {"01001", "72403"}


def test_a_fill_value_is_no_time_of_a_cycle(ioda: Callable[..., Path]) -> None:
    path = ioda(**temperature())
    with netCDF4.Dataset(path, "a") as file:
        file["MetaData/dateTime"][:] = [-999, 60]
    assert read_files([path])[0]["flag"].tolist() == ["pass", "missing"]


def test_no_elevation_and_no_error_are_not_numbers() -> None:
    for elevation in (-999.0, 9999.0, 32767.0, -600.0):
        found = checked_reports(reports(elevation=elevation, error=-999.0))
        assert found["elevation"].isna().tolist() == [False, True]
        assert found["error"].isna().tolist() == [False, True]


def test_levels_in_hectopascal_are_seen_beside_a_fill_value() -> None:
    with pytest.raises(InputError, match="expected levels in Pa"):
        checked_reports(reports(level=9999.0).assign(level=[850.0, 9999.0]))


def with_humidity(humidity: float, **changes: object) -> pd.DataFrame:
    """A temperature and a humidity of one place."""
    moist = {"variable": "specific_humidity", "value": humidity, "station_id": "a", **changes}
    return checked_reports(reports(**moist))


def test_a_temperature_and_a_humidity_that_are_more_than_saturated_contradict_each_other() -> None:
    # Bolton 1980: 7.30 g/kg saturate air of 280 K at 850 hPa, 8.37 g/kg air of 282 K.
    for humidity, flag in ((0.0072, "pass"), (0.0083, "pass"), (0.0085, "bounds")):
        assert consistent_reports(with_humidity(humidity))["flag"].tolist() == [flag] * 2
    elsewhere = with_humidity(0.02, latitude=46.0)
    assert consistent_reports(elsewhere)["flag"].tolist() == ["pass", "pass"]
    rejected = with_humidity(0.02, flag="buddy")
    assert sorted(consistent_reports(rejected)["flag"]) == ["bounds", "buddy"]


def test_a_wind_is_kept_or_rejected_as_a_whole() -> None:
    for flag in ("missing", "bounds", "pre_qc", "background"):
        wind = reports(variable="v_component_of_wind", station_id="a", flag=flag)
        wind = wind.assign(variable=["u_component_of_wind", "v_component_of_wind"], value=3.0)
        assert consistent_reports(checked_reports(wind))["flag"].tolist() == [flag, flag]
    other = wind.assign(station_id=["a", "b"])
    assert consistent_reports(checked_reports(other))["flag"].tolist() == ["pass", "background"]


def test_a_pole_is_not_beyond_the_pole() -> None:
    found = checked_reports(reports(latitude=-90.00000000000001))
    assert found["flag"].tolist() == ["pass", "pass"]
    assert found["latitude"].tolist() == [45.0, -90.0]
