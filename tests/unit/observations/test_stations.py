"""One station has one name, whatever file it comes from."""

import numpy as np
import pandas as pd
import pytest

from align_da.observations.stations import named_station, number_of_station, station_names


def names(column: object) -> list[str]:
    entries = pd.Series(column)
    place = np.arange(len(entries), dtype=float)
    return station_names(entries, place, 10 * place)


@pytest.mark.parametrize(
    "entry",
    [
        *("01001", 1001, 1001.0, "1001.0", "01001   ", b"01001\0\0\0", np.int32(1001)),
        *(np.bytes_(b"01001"), "0-20000-0-01001", "0-20001-0-01001"),
    ],
    ids=repr,
)
def test_a_number_of_wmo_has_five_digits_however_it_is_written(entry: object) -> None:
    assert names([entry]) == ["01001"]


def test_call_signs_and_identifiers_of_others_stay_as_they_are() -> None:
    given = ["NA", "NULL", "5E3", "7E2", "1E9", "ZBAA", "46042", "2300123", "0-276-0-1234", "EU_1"]
    assert names(given) == given


def test_stations_without_a_name_are_as_many_as_their_places() -> None:
    assert names([None, "", "nan", np.nan]) == [
        *("at_0.0_0.0", "at_1.0_10.0", "at_2.0_20.0", "at_3.0_30.0")
    ]
    assert names(pd.array([7, None], "Int64")) == ["00007", "at_1.0_10.0"]


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert names([b"BOD\xd8", "BODØ"]) == ["BOD�", "BODØ"]


@pytest.mark.parametrize("text", ["1001", "01001", "0-20000-0-01001"])
def test_a_station_of_a_cycle_is_found_by_its_number_however_it_is_written(text: str) -> None:
    assert named_station(text, [7, 1001]) == 1001


def test_a_station_without_a_number_is_found_by_its_name_and_by_the_number_that_is_stored() -> (
    None
):
    stored = number_of_station("ZBAA")
    assert named_station("ZBAA", [7, stored]) == stored
    assert named_station(str(stored), [7, stored]) == stored
    assert named_station("ZBAB", [7, stored]) is None
