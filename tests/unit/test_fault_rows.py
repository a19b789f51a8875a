"""The table of faults has a test for every row, and a row for every test."""

import csv
import re
from pathlib import Path

from fault_table import ROWS

TESTS = Path(__file__).parents[1]
COVERED = re.compile(r"def test_row_(\d+)_|mark\.row\(([\d, ]+)\)")


def test_every_row_of_the_table_of_faults_is_tested() -> None:
    with ROWS.open(encoding="utf-8", newline="") as file:
        rows = [int(row["row"]) for row in csv.DictReader(file)]
    assert rows == list(range(1, len(rows) + 1))
    found = [COVERED.findall(file.read_text()) for file in TESTS.rglob("test_*.py")]
    named = {
        int(number) for some in found for pair in some for number in re.findall(r"\d+", str(pair))
    }
    assert sorted(set(rows) - named) == []
    assert named <= set(rows)
