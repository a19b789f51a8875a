"""The table of faults, written from the tests that cover its rows.

A test covers the rows of its marker, `@pytest.mark.row(24)`, or that of its name,
`test_row_24_...`. What it measured it tells with the fixture `figure`.
"""

import csv
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

ROWS = Path(__file__).parent / "faults" / "rows.csv"
_NAMED = re.compile(r"test_row_(\d+)_")
_FOLDERS = re.compile(r"(?<!\S)/\S*/")
_HEAD = """# What may go wrong, and what then happens

Written by `make test-faults`; do not edit. The last two columns say how many tests of a row have
passed in that run, and what they measured.

| | fault | what happens | tests | measured |
|---|---|---|---|---|
"""


def mark_rows(items: Iterable[pytest.Item]) -> None:
    """Give a test whose name tells a row the marker of that row."""
    for item in items:
        named = _NAMED.match(item.name)
        if named:
            item.add_marker(pytest.mark.row(int(named[1])))
        rows = {row for marker in item.iter_markers("row") for row in marker.args}
        item.user_properties += [("row", row) for row in sorted(rows)]


def fault_table(reports: Iterable[pytest.TestReport]) -> str:
    """The table as Markdown, from the reports of tests that have run."""
    tests: dict[int, list[pytest.TestReport]] = {}
    for report in reports:
        for name, value in report.user_properties:
            if name == "row":
                tests.setdefault(int(str(value)), []).append(report)
    with ROWS.open(encoding="utf-8", newline="") as file:
        lines = [_line(row, tests.get(int(row["row"]), [])) for row in csv.DictReader(file)]
    return _HEAD + "".join(lines)


def _line(row: Mapping[str, str], tests: list[pytest.TestReport]) -> str:
    """One row: what is tested how often, and the figures that the tests told."""
    passed = sum(test.passed for test in tests)
    count = f"{passed} passed" + (f", {len(tests) - passed} not" if passed < len(tests) else "")
    told = dict.fromkeys(_figures(tests))
    return f"| {row['row']} | {row['fault']} | {row['outcome']} | {count} | {'; '.join(told)} |\n"


def _figures(tests: Iterable[pytest.TestReport]) -> list[str]:
    """What tests told through the fixture `figure`, without the folders that they worked in."""
    properties = [found for test in tests for found in test.user_properties]
    return [_FOLDERS.sub("", str(value)) for name, value in properties if name == "figure"]
