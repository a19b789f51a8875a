"""Every report of a file is kept, flagged or left out, and the three make the number in it."""

from pathlib import Path

import pandas as pd
import pytest
from prepbufr_file import prepbufr_file

from align_da.errors import InputError
from align_da.observations.reports import checked_reports
from data_pipelines.observations.account import Account, FileReports, account_of
from data_pipelines.observations.ioda import write_ioda
from data_pipelines.observations.read import _READERS, read_files

DATA = Path(__file__).parents[1] / "data" / "observations"
pytestmark = pytest.mark.filterwarnings("ignore:.*reports are not read:UserWarning")

BUOY = {
    "SID": "46042",
    "TYP": 180,
    "XOB": 255.1,
    "YOB": 39.8,
    "DHR": 0.1,
    "ELV": 0,
    "CAT": 0,
    "P___INFO": {"P__EVENT": [{"POB": 1013.2, "PQM": 2}]},
}


def table() -> pd.DataFrame:
    count = 6
    return pd.DataFrame(
        {
            "value": [250.0, 260.0, None, 280.0, 270.0, 265.0],
            "error": 1.0,
            "latitude": [10.0, 20.0, 30.0, -40.0, 50.0, 60.0],
            "longitude": 20.0,
            "level": 50000.0,
            "elevation": 5.0,
            "time": [f"2020-01-01T0{hour}:00:00" for hour in range(count)],
            "vertical": "level",
            "variable": "temperature",
            "station_id": [f"s{number}" for number in range(count)],
            "type": "radiosonde",
            "flag": ["pass", "passive", "pass", "bounds", "buddy", "pass"],
        }
    )


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A file for every reader."""
    table().to_csv(tmp_path / "reports.csv", index=False)
    write_ioda(tmp_path / "reports.nc", checked_reports(table()))
    (tmp_path / "reports.prepbufr").write_bytes(
        prepbufr_file([("SFCSHP", [BUOY, BUOY | {"SID": "46043"}]), ("SATEMP", [BUOY, BUOY])])
    )
    return {
        "bufr": DATA / "synop.bufr",
        "prepbufr": tmp_path / "reports.prepbufr",
        "ioda": tmp_path / "reports.nc",
        "table": tmp_path / "reports.csv",
    }


@pytest.mark.parametrize("form", _READERS)
def test_every_reader_accounts_for_every_report(form: str, files: dict[str, Path]) -> None:
    if form == "prepbufr":
        pytest.importorskip("earth2bufr")
    reports, (account,) = read_files([files[form]], form)
    flags = reports["flag"].value_counts().to_dict()
    kept = flags.pop("pass", 0) + flags.pop("passive", 0)
    assert account.kept == kept > 0
    assert account.flagged == flags
    left_out = sum(account.left_out.values())
    assert account.read == kept + sum(flags.values()) + left_out
    reasons = {name: n for name, n in account.left_out.items() if "(not read)" not in name}
    assert reasons == {"bufr": {"category -1": 150}, "prepbufr": {"category 108": 2}}.get(form, {})
    assert account.file == files[form].name


def test_an_account_says_what_became_of_the_reports(files: dict[str, Path]) -> None:
    _, (account,) = read_files([files["table"]])
    assert str(account) == (
        "reports.csv: 6 reports read, 3 kept; of 2020-01-01T00:00:00 to 2020-01-01T05:00:00; "
        "flagged: bounds 1, buddy 1, missing 1"
    )


def test_numbers_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(InputError, match=r"lost\.csv: expected to account for 7 reports, got 6"):
        account_of("lost.csv", FileReports(table(), 7), checked_reports(table()))
    assert Account("left.csv", 7, 3, {"missing": 3}, {"no place": 1}).read == 7
