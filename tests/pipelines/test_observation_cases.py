"""Files that hide a trap, and what becomes of every report in them.

The table in `tests/data/observations/cases/README.md` is what this test finds.
"""

import warnings
from pathlib import Path

import pandas as pd
import pytest

from align_da.observations.reports import checked_reports
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
        + (f"{row.value:.4g} ± {row.error:g}" if row.flag == "pass" else row.flag)
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
        "longitude": 10.0,
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
    with pytest.raises(Exception, match="expected values with a place and a time, got none"):
        read_files([tmp_path / "heights.nc"])


def test_no_elevation_and_no_error_are_not_numbers() -> None:
    for elevation in (-999.0, 9999.0, 32767.0, -600.0):
        found = checked_reports(reports(elevation=elevation, error=-999.0))
        assert found["elevation"].isna().tolist() == [False, True]
        assert found["error"].isna().tolist() == [False, True]


def test_levels_in_hectopascal_are_seen_beside_a_fill_value() -> None:
    with pytest.raises(Exception, match="expected levels in Pa"):
        checked_reports(reports(level=9999.0).assign(level=[850.0, 9999.0]))


def test_a_pole_is_not_beyond_the_pole() -> None:
    found = checked_reports(reports(latitude=-90.00000000000001))
    assert found["flag"].tolist() == ["pass", "pass"]
    assert found["latitude"].tolist() == [45.0, -90.0]
