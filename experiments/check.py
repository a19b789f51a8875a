"""Compare the results of an experiment with the bounds of its published figures.

`expected.toml` in the folder of the experiment names the command that makes the results, and for
every figure its file, row, column and bounds:

    command = "python -m experiments.lorenz.run"

    [[figure]]
    file = "peers.csv"                  # in results/
    row = { method = "LETKF" }          # values of columns; every row that has them counts
    column = "rmse"
    low = 0.2                           # one of both is enough
    high = 0.25
    source = "README.md, the table"     # where the bound comes from
    seen = 2026-11-28                   # when a run was last checked; false for never

Prints a table, and ends with code 1 where a figure lies outside its bounds, is not there, or has
not been made.

Usage: python -m experiments.check NAME [FOLDER]
"""

import argparse
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from align_da.errors import AlignDAError, InputError, StorageError
from align_da.storage.durable import storage_errors
from align_da.verification.table_format import to_markdown
from experiments.results import read_result

HERE = Path(__file__).parent
EXPECTED = "expected.toml"


@dataclass(frozen=True)
class Figure:
    """A published figure, and within which bounds a run must find it.

    Invariants:
        1. One of `low` and `high` is finite at least, and low <= high.

    Attributes:
        file: of results/.
        row: values by column that choose the rows.
        column: where the figure stands.
        source: where the bounds come from.
        seen: the day on which a run was last checked; False for never.
        low: least value.
        high: largest value.
    """

    file: str
    row: Mapping[str, object]
    column: str
    source: str
    seen: date | Literal[False]
    low: float = -float("inf")
    high: float = float("inf")

    def __post_init__(self) -> None:
        unbounded = self.low == -float("inf") and self.high == float("inf")
        if unbounded or not self.low <= self.high:
            message = f"{self.name}: expected low <= high, one of them given, got {self}"
            raise InputError(message)

    @property
    def name(self) -> str:
        """For people."""
        return ", ".join([self.file, *map(str, self.row.values()), self.column])


@dataclass(frozen=True)
class Expected:
    """What is expected of an experiment.

    Attributes:
        command: makes the results.
        figures: to be compared.
    """

    command: str
    figures: tuple[Figure, ...]


def main() -> None:
    """Print the table; the exit code tells whether every figure is within its bounds."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("name", choices=names(), metavar="NAME", help=", ".join(names()))
    parser.add_argument(
        "folder", nargs="?", type=Path, help="holds results/; that of NAME if none"
    )
    arguments = parser.parse_args()
    try:
        expected = read_expected(HERE / arguments.name / EXPECTED)
    except AlignDAError as error:
        sys.exit(str(error))
    rows = compare(expected, arguments.folder or HERE / arguments.name)
    print(to_markdown(pd.DataFrame([row.cells() for row in rows])))
    for message in dict.fromkeys(row.missing for row in rows if row.missing):
        print(message)
    sys.exit(int(not all(row.passed for row in rows)))


def names() -> list[str]:
    """Experiments with expected figures."""
    return sorted(path.parent.name for path in HERE.glob(f"*/{EXPECTED}"))


def read_expected(path: Path) -> Expected:
    """The figures that a file expects.

    Raises:
        StorageError: the file cannot be read.
        InputError: it is no TOML, or a key is missing or unknown.
    """
    with storage_errors(path):
        content = path.read_text(encoding="utf-8")
    try:
        text: dict[str, Any] = tomllib.loads(content)
        figures = tuple(Figure(**figure) for figure in text["figure"])
        return Expected(text["command"], figures)
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        message = f"{path}: expected a command and figures as `experiments.check` says: {error}"
        raise InputError(message) from error


@dataclass(frozen=True)
class Compared:
    """A figure and what a run has found.

    Attributes:
        figure: what is expected.
        values: what was found, of every row that the figure means; empty where nothing was.
        missing: why nothing was found, and what to do.
    """

    figure: Figure
    values: tuple[float, ...]
    missing: str = ""

    @property
    def passed(self) -> bool:
        """Whether there is something, and all of it within the bounds."""
        low, high = self.figure.low, self.figure.high
        return bool(self.values) and all(low <= value <= high for value in self.values)

    def cells(self) -> dict[str, str]:
        """A row of the table."""
        ends = {f"{end(self.values):.4g}": None for end in (min, max) if self.values}
        return {
            "figure": self.figure.name,
            "found": " to ".join(ends),
            "low": f"{self.figure.low:.4g}",
            "high": f"{self.figure.high:.4g}",
            "verdict": "pass" if self.passed else "FAIL" if self.values else "not made",
        }


def compare(expected: Expected, folder: Path) -> list[Compared]:
    """Every figure beside what the results in a folder hold of it."""
    return [_compared(figure, expected.command, folder) for figure in expected.figures]


def _compared(figure: Figure, command: str, folder: Path) -> Compared:
    try:
        return Compared(figure, _values(figure, command, folder))
    except AlignDAError as error:
        return Compared(figure, (), str(error))


def _values(figure: Figure, command: str, folder: Path) -> tuple[float, ...]:
    """What a run has found, of every row that the figure means.

    Raises:
        StorageError: the file of results is missing; names the command that makes it.
        InputError: the file has no such column or row.
    """
    path = folder / "results" / figure.file
    if not path.is_file():
        message = f"{path}: expected results, found none: run `{command}` first"
        raise StorageError(message)
    table = read_result(path)
    unknown = [name for name in (*figure.row, figure.column) if name not in table]
    if unknown:
        message = f"{path}: no column {unknown[0]!r}, it has {', '.join(map(str, table))}"
        raise InputError(message)
    chosen = table
    for name, value in figure.row.items():
        chosen = chosen[chosen[name].astype(str) == str(value)]
    if chosen.empty:
        message = f"{path}: no row with {dict(figure.row)}: run `{command}` again"
        raise InputError(message)
    return tuple(chosen[figure.column].astype(float).tolist())


if __name__ == "__main__":
    main()
