"""What became of every report of a file: kept, flagged or left out, and why.

A report is one value of one variable at one place and time, that is a row of the table of reports.
What cannot be counted in this unit because it is not understood (a subset of a BUFR message whose
category is not read) counts as one report.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from align_da.errors import InputError

_KEPT = ("pass", "passive")


@dataclass(frozen=True)
class FileReports:
    """What a reader gives of one file.

    Attributes:
        table: the columns `REPORT_COLUMNS`, one row a report.
        read: number of reports in the file, counted before anything was left out.
        left_out: number of reports that are no rows of the table, by reason.
    """

    table: pd.DataFrame
    read: int
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Account:
    """What became of the reports of one file.

    Attributes:
        file: its name.
        read: number of reports in the file.
        kept: those that may be used, or that a file of ours withheld.
        flagged: number of reports in the table that are not used, by the name of their flag.
        left_out: number of reports that are not in the table, by reason.
        first, last: times of the reports kept, empty where there are none.

    Raises:
        InputError: the numbers do not add up.
    """

    file: str
    read: int
    kept: int
    flagged: Mapping[str, int]
    left_out: Mapping[str, int]
    first: str = ""
    last: str = ""

    def __post_init__(self) -> None:
        told = self.kept + sum(self.flagged.values()) + sum(self.left_out.values())
        if told != self.read:
            message = f"{self.file}: expected to account for {self.read} reports, got {told}"
            raise InputError(message)

    def __str__(self) -> str:
        parts = [f"{self.file}: {self.read} reports read, {self.kept} kept"]
        if self.first:
            parts.append(f"of {self.first} to {self.last}")
        for what, counts in (("flagged", self.flagged), ("left out", self.left_out)):
            if counts:
                told = ", ".join(f"{reason} {count}" for reason, count in counts.items())
                parts.append(f"{what}: {told}")
        return "; ".join(parts)


def account_of(file: str, found: FileReports, checked: pd.DataFrame) -> Account:
    """The account of a file.

    Args:
        file: its name.
        found: what its reader gave.
        checked: the same reports with their flags.

    Raises:
        InputError: the numbers do not add up.
    """
    counts = checked["flag"].value_counts().sort_index()
    flagged = {str(flag): int(count) for flag, count in counts.items() if flag not in _KEPT}
    times = checked.loc[checked["flag"].isin(_KEPT), "time"].to_numpy("datetime64[s]")
    first, last = (str(np.min(times)), str(np.max(times))) if times.size else ("", "")
    left_out = {reason: int(count) for reason, count in found.left_out.items() if count}
    return Account(file, found.read, int(times.size), flagged, left_out, first, last)
