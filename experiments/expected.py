"""Bounds of the published figures of an experiment.

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
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from align_da.errors import InputError
from align_da.storage.durable import storage_errors


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
