"""Compare the results of an experiment with the bounds of its published figures.

Prints a table, and ends with code 1 where a figure lies outside its bounds, is not there, or has
not been made. The bounds lie in `expected.toml`, see `experiments.expected`.

Usage: python -m experiments.check NAME [FOLDER]
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from align_da.errors import AlignDAError, InputError, StorageError
from align_da.verification.table_format import to_markdown
from experiments.expected import Expected, Figure, read_expected
from experiments.results import read_result

HERE = Path(__file__).parent
EXPECTED = "expected.toml"


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
