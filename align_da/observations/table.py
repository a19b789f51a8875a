"""Observations from and to a plain table, one row an observation.

Columns (see `ObservationBatch`): value, error, latitude, longitude, level, vertical ("level" or
"surface"), time, variable (WeatherBench 2 name), station; optional: flag (name of a `Flag`,
default pass) and units (of value and error, default the SI unit of the variable). Reading the file
is the caller's business; messages name what `table.attrs["source"]` says.
"""

import warnings
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from align_da.atmosphere import Layout, variable_named
from align_da.atmosphere.units import to_si
from align_da.checks import some_of
from align_da.errors import InputError
from align_da.observations.batch import (
    UNKNOWN_VARIABLE,
    Flag,
    ObservationBatch,
    Vertical,
    padded_batch,
)
from align_da.observations.columns import (
    check_columns,
    codes_of,
    names_of,
    numbers_of,
    whole_numbers_of,
)
from align_da.observations.fill_values import is_fill, without_fill

_NUMBERS = ("value", "error", "latitude", "longitude", "level", "time")
_COLUMNS = (*_NUMBERS, "vertical", "variable", "station")
_OPTIONAL = ("flag", "units")
_UNKNOWN = "unknown"  # stands for a variable that the state does not hold
_SWAPPED = 0.1  # share of latitudes beyond the poles that is no accident

UnknownPolicy = Literal["error", "passive"]


def batch_from_table(
    table: pd.DataFrame,
    layout: Layout,
    pad_to: int | None = None,
    unknown: UnknownPolicy = "error",
) -> ObservationBatch:
    """The observations of a table.

    Args:
        table: the columns named above, in any order; one without columns holds no observations.
        layout: layout of the state; gives the variables that can be observed.
        pad_to: fixed number of observations; the rest is flagged missing.
        unknown: what to do about variables that the state does not hold: refuse the table, or
            keep their observations passive, in the unit they came in, with a warning that counts
            them.

    Returns:
        The batch in SI units, not yet quality controlled. What has no value is flagged missing.

    Raises:
        InputError: a column is missing, unknown or of the wrong type, a name or unit is unknown,
            an error is not positive, a place or time is not finite, latitude and longitude are
            swapped, or there are more than `pad_to` rows.
    """
    try:
        arrays = _arrays(table, layout, unknown)
        return padded_batch(arrays, len(table) if pad_to is None else pad_to)
    except InputError as error:
        if "source" not in table.attrs:
            raise
        message = f"{table.attrs['source']}: {error}"
        raise InputError(message) from error


def table_from_batch(batch: ObservationBatch, layout: Layout) -> pd.DataFrame:
    """The table of a batch, padding included, with the units of every row."""
    names = {
        index: (name, variable_named(name).units) for index, name in enumerate(layout.variables)
    }
    names[UNKNOWN_VARIABLE] = (_UNKNOWN, "")
    table = pd.DataFrame({name: np.asarray(array) for name, array in vars(batch).items()})
    table["units"] = [names[index][1] for index in table["variable"]]
    table["variable"] = [names[index][0] for index in table["variable"]]
    table["vertical"] = [Vertical(code).name.lower() for code in table["vertical"]]
    table["flag"] = [Flag(code).name.lower() for code in table["flag"]]
    return table[[*_COLUMNS, *_OPTIONAL]]


def _arrays(table: pd.DataFrame, layout: Layout, unknown: UnknownPolicy) -> dict[str, np.ndarray]:
    """An array for every attribute of the batch."""
    if not len(table) and not len(table.columns):
        table = pd.DataFrame(columns=list(_COLUMNS))
    check_columns(table, _COLUMNS, _OPTIONAL)
    variable = _variables(names_of(table["variable"]), layout, unknown)
    numbers = {name: numbers_of(table[name]) for name in _NUMBERS}
    check_not_swapped(numbers["latitude"], numbers["longitude"])
    if "units" in table:
        numbers |= _in_si_units(
            variable, names_of(table["units"]), numbers["value"], numbers["error"], layout
        )
    flag = names_of(table["flag"]) if "flag" in table else ["pass"] * len(table)
    codes = {
        "flag": codes_of("flag", flag, _numbered(Flag)),
        "vertical": codes_of("vertical", names_of(table["vertical"]), _numbered(Vertical)),
        "variable": variable,
        "station": whole_numbers_of(table["station"]),
    }
    strange = (variable == UNKNOWN_VARIABLE) & (codes["flag"] == Flag.PASS)
    codes["flag"] = np.where(strange, np.int32(Flag.PASSIVE), codes["flag"])
    numbers, codes["flag"] = _with_missing(numbers, codes)
    with np.errstate(over="ignore"):  # of what is not used
        return {name: numbers[name].astype(np.float32) for name in _NUMBERS} | codes


def _with_missing(
    numbers: dict[str, np.ndarray], codes: dict[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """What has no value is flagged missing, with 0 and 1 for value and error.

    Raises:
        InputError: what counts has no place, no time or no positive error.
    """
    flag, on_levels = codes["flag"], codes["vertical"] == Vertical.LEVEL
    counts = np.isin(flag, (Flag.PASS, Flag.PASSIVE))
    nothing = is_fill(numbers["value"])
    flag = np.where(counts & nothing, np.int32(Flag.MISSING), flag).astype(np.int32)
    counts &= ~nothing
    _refuse("positive errors", counts & ~(numbers["error"] > 0), numbers["error"])
    for name in ("error", "latitude", "longitude", "level", "time"):
        needed = counts & on_levels if name == "level" else counts
        _refuse(f"finite {name}s", needed & ~np.isfinite(numbers[name]), numbers[name])
    value = np.where(nothing, 0.0, numbers["value"])
    return numbers | {"value": value, "error": np.where(nothing, 1.0, numbers["error"])}, flag


def _refuse(what: str, wrong: np.ndarray, values: np.ndarray) -> None:
    """Raise an InputError where anything is wrong; names the rows."""
    if np.any(wrong):
        rows = np.flatnonzero(wrong) + 1
        told = ", ".join(map(str, rows[:5])) + (", ..." if rows.size > 5 else "")
        message = f"expected {what}, got {values[rows[0] - 1]} in {rows.size} rows: {told}"
        raise InputError(message)


def check_not_swapped(
    latitude: Float[np.ndarray, " row"], longitude: Float[np.ndarray, " row"]
) -> None:
    """Refuse latitudes that can only be longitudes beside longitudes that can be latitudes."""
    beyond = (np.abs(latitude) > 90) & (np.abs(latitude) <= 360)
    if latitude.size and beyond.mean() > _SWAPPED and np.all(np.abs(longitude) <= 90):
        message = (
            f"expected latitudes within [-90, 90], got {beyond.sum()} of {latitude.size} beyond, "
            "and every longitude within: the two columns seem to be swapped, rename them"
        )
        raise InputError(message)


def _numbered(choices: type[Flag] | type[Vertical]) -> dict[str, int]:
    return {choice.name.lower(): int(choice) for choice in choices}


def _variables(
    names: list[str], layout: Layout, unknown: UnknownPolicy
) -> Int[np.ndarray, " row"]:
    """Index of the variable in every row."""
    known = {name: index for index, name in enumerate(layout.variables)}
    strange = [name for name in names if name not in known]
    if strange and unknown == "passive":
        message = (
            f"{len(strange)} of {len(names)} observations are of variables that the state does "
            f"not hold and stay passive: {some_of(sorted(set(strange)))}"
        )
        warnings.warn(message, stacklevel=4)  # of the caller of batch_from_table
        known |= dict.fromkeys(strange, UNKNOWN_VARIABLE)
    return codes_of("variable", names, known)


def _in_si_units(
    variable: Int[np.ndarray, " row"],
    units: list[str],
    value: Float[np.ndarray, " row"],
    error: Float[np.ndarray, " row"],
    layout: Layout,
) -> dict[str, Float[np.ndarray, " row"]]:
    """Value and error in the SI unit of their variable; a fill value is none in any unit."""
    value, error = without_fill(value), without_fill(error)
    unit = np.asarray(units, dtype=object)
    for index, name in enumerate(layout.variables):
        for declared in sorted(set(unit[variable == index])):
            place = (variable == index) & (unit == declared)
            row = variable_named(name)
            # An error is a difference: the offset of the unit does not apply.
            zero = to_si(np.zeros(1), declared, row)
            value[place] = to_si(value[place], declared, row)
            error[place] = to_si(error[place], declared, row) - zero
    return {"value": value, "error": error}
