"""What reports are worth for a period is told before it is cycled."""

import numpy as np
import pandas as pd
import pytest

from align_da.errors import InputError
from align_da.observations.period import check_period

PERIOD = np.datetime64("2020-01-01", "ns"), np.datetime64("2020-01-02", "ns")


def reports(**changes: object) -> pd.DataFrame:
    """Reports of two files; the changes are those of the second."""
    row = {
        "time": pd.Timestamp("2020-01-01T06:00"),
        "flag": "pass",
        "variable": "temperature",
        "type": "radiosonde",
        "file": "a.csv",
    }
    return pd.DataFrame([row, {**row, "file": "b.csv", "type": "synop", **changes}])


def test_files_that_are_used_are_not_worth_a_word() -> None:
    assert check_period(reports(), ["temperature"], PERIOD, ["radiosonde"], ["synop"]) == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"time": pd.Timestamp("2021-01-01T06:00")}, "from 2021-01-01 06:00:00"),
        ({"time": pd.Timestamp("2020-01-02")}, "from 2020-01-02"),
        ({"flag": "bounds"}, r"\(bounds 1\)"),
        ({"flag": "missing", "time": pd.NaT}, r"\(missing 1\)"),
        ({"variable": "geopotential"}, "of geopotential"),
    ],
)
def test_a_file_none_of_whose_reports_is_ever_used_is_told(
    changes: dict[str, object], why: str
) -> None:
    (told,) = check_period(reports(**changes), ["temperature"], PERIOD)
    assert told.startswith("b.csv: no report of this file is ever used: 1 reports")
    assert pd.Series([told]).str.contains(why).all()


def test_a_run_without_any_report_is_refused_before_it_begins() -> None:
    late = reports().assign(time=pd.Timestamp("2021-01-01"))
    with pytest.raises(InputError, match=r"(?s)got none that can be used.*a\.csv.*b\.csv"):
        check_period(late, ["temperature"], PERIOD)


def test_a_required_type_stops_and_an_optional_one_is_told() -> None:
    rejected = reports(flag="bounds")
    told = check_period(rejected, ["temperature"], PERIOD, ["radiosonde"], ["synop", "ship"])
    assert [line.split(" can ")[0] for line in told[1:]] == [
        *("no report of the type synop", "no report of the type ship")
    ]
    with pytest.raises(InputError, match=r"required types synop, ship from .* there are radio"):
        check_period(rejected, ["temperature"], PERIOD, ["radiosonde", "synop", "ship"])
