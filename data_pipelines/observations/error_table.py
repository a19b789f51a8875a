"""Standard deviations of observation errors by type, variable and level.

The numbers and their source stand in `data_pipelines/resources/observation_errors.csv`; between
its levels they are linear in the logarithm of pressure, beyond them constant. Those of humidity
are relative to saturation at the temperature of the standard atmosphere.
"""

import io
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd

_ANY = "other"  # the type that stands for those without rows of their own


@cache
def _error_table() -> pd.DataFrame:
    text = (files("data_pipelines") / "resources" / "observation_errors.csv").read_text("utf-8")
    return pd.read_csv(io.StringIO(text), comment="#")


def with_errors(reports: pd.DataFrame) -> pd.DataFrame:
    """`reports` with an error where the file gave none, from the table.

    A report of a variable without any row keeps NaN, which quality control flags missing.
    """
    error = reports["error"].to_numpy(np.float64).copy()
    unknown = ~(error > 0)
    for (kind, variable), rows in reports[unknown].groupby(["type", "variable"]):
        place = rows.index.to_numpy()
        error[place] = _errors_of(str(kind), str(variable), rows["level"].to_numpy(np.float64))
    return reports.assign(error=error)


def _errors_of(kind: str, variable: str, level: np.ndarray) -> np.ndarray:
    """Errors at pressures in Pa (NaN: the surface), SI units."""
    table = _error_table()
    table = table[table["variable"] == variable]
    known = table[table["type"] == kind]
    rows = known if len(known) else table[table["type"] == _ANY]
    if not len(rows):
        return np.full(level.size, np.nan)
    pressure = 100.0 * rows["pressure_hPa"].to_numpy(np.float64)
    order = np.argsort(pressure)
    at = np.log(np.where(level > 0, level, pressure.max()))
    found: np.ndarray = np.interp(
        at, np.log(pressure[order]), rows["error"].to_numpy(np.float64)[order]
    )
    return found
