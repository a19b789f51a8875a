"""Tables of reports in CSV and parquet files."""

from pathlib import Path

import numpy as np
import pandas as pd

from align_da.atmosphere import VARIABLES
from align_da.atmosphere.units import to_si
from align_da.errors import InputError
from align_da.observations.columns import check_columns, names_of, numbers_of
from align_da.observations.fill_values import without_fill
from align_da.observations.reports import REPORT_COLUMNS
from align_da.storage.observation_tables import read_observation_table
from data_pipelines.observations.account import FileReports

_DEFAULTS: dict[str, float | str] = {
    "error": np.nan,
    "elevation": np.nan,
    "type": "other",
    "flag": "pass",
}
_NEEDED = tuple(name for name in REPORT_COLUMNS if name not in _DEFAULTS)
_OPTIONAL = (*_DEFAULTS, "units", "file")


def read_table(path: Path) -> FileReports:
    """The reports of a table, in SI units.

    Args:
        path: ends in ".csv" or ".parquet"; the columns of a report, of which error, elevation,
            type and flag may be missing, and optional units (of value and error). The name of the
            file takes the place of a column file.

    Raises:
        InputError: it is no such table.
    """
    table = read_observation_table(path)
    try:
        check_columns(table, _NEEDED, _OPTIONAL)
        completed = _completed(table)
        reports = _in_si_units(completed) if "units" in completed else completed
    except InputError as error:
        message = f"{path}: {error}"
        raise InputError(message) from error
    return FileReports(reports, len(table))


def _completed(table: pd.DataFrame) -> pd.DataFrame:
    """The table with every column of a report."""
    missing = {name: value for name, value in _DEFAULTS.items() if name not in table}
    blank = {
        name: table[name].replace("", value)
        for name, value in _DEFAULTS.items()
        if isinstance(value, str) and name in table
    }
    return table.assign(**missing, **blank)


def _in_si_units(table: pd.DataFrame) -> pd.DataFrame:
    """The table with value and error in the SI unit of their variable, without its units.

    What stands for no value is taken out before, while it can be told.
    """
    value, error = (without_fill(numbers_of(table[name])) for name in ("value", "error"))
    units, names = np.asarray(names_of(table["units"])), np.asarray(names_of(table["variable"]))
    for name in sorted(set(names.tolist()) & set(VARIABLES)):
        for unit in sorted(set(units[names == name].tolist())):
            place = (names == name) & (units == unit)
            zero = to_si(np.zeros(1), unit, VARIABLES[name])
            value[place] = to_si(value[place], unit, VARIABLES[name])
            error[place] = to_si(error[place], unit, VARIABLES[name]) - zero
    return table.assign(value=value, error=error).drop(columns="units")
