"""A report of other runs or of other settings is kept when a new one takes its place."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from align_da.storage.report_record import (
    ReportRecord,
    make_room_for_report,
    read_report_record,
    write_report_record,
)

RECORD = ReportRecord({"main": "a", "free": "b"}, {"main": 2, "free": 2}, {"seed": 0})
FILES = ("report.html", "scores.csv")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A report with what it was made of."""
    (tmp_path / "report.html").write_text("old")
    (tmp_path / "scores.csv").write_text("1")
    write_report_record(tmp_path, RECORD)
    return tmp_path


def test_where_there_is_none_nothing_is_kept(tmp_path: Path) -> None:
    assert make_room_for_report(tmp_path, RECORD, FILES) == ("", [])
    assert list(tmp_path.iterdir()) == []


def test_what_a_report_was_made_of_is_read_back(folder: Path) -> None:
    assert read_report_record(folder) == RECORD


def test_one_of_the_same_runs_with_more_cycles_is_brought_up_to_date(folder: Path) -> None:
    longer = replace(RECORD, cycles={"main": 9, "free": 2})
    told, differences = make_room_for_report(folder, longer, FILES)
    assert (told, differences) == ("brings up to date the report of the same runs", [])
    assert not (folder / "earlier").exists()


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (replace(RECORD, runs={"main": "a"}), "it was of main, free, this one is of main"),
        (replace(RECORD, runs={"main": "a", "free": "c"}), "the cycles free were made otherwise"),
        (replace(RECORD, settings={"seed": 1}), "seed: stored 0, now 1"),
    ],
)
def test_another_is_kept_as_it_was_and_what_differs_is_told(
    now: ReportRecord, told: str, folder: Path
) -> None:
    for number in ("1", "2"):
        kept = folder / "earlier" / number
        line, differences = make_room_for_report(folder, now, FILES)
        assert (line, differences) == (f"the report that was there is kept in {kept}", [told])
        assert (kept / "report.html").read_text() == "old"
        assert (kept / "scores.csv").read_text() == "1"
        assert read_report_record(kept) == RECORD
        write_report_record(folder, RECORD)


def no_record(folder: Path) -> None:
    (folder / "report.json").unlink()


def damaged_record(folder: Path) -> None:
    (folder / "report.json").write_text("{")


@pytest.mark.parametrize("hurt", [no_record, damaged_record])
def test_one_that_does_not_say_what_it_was_made_of_is_kept(
    hurt: Callable[[Path], None], folder: Path
) -> None:
    hurt(folder)
    line, differences = make_room_for_report(folder, RECORD, FILES)
    assert "is kept in" in line
    assert differences == ["it does not say what it was made of"]
    assert (folder / "earlier" / "1" / "report.html").read_text() == "old"


def test_while_a_report_is_written_nothing_says_what_it_is_of(folder: Path) -> None:
    make_room_for_report(folder, RECORD, FILES)
    assert read_report_record(folder) is None
