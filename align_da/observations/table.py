"""Observations from and to a plain table, one row an observation.

Columns (see `ObservationBatch`): value, error, latitude, longitude, level, vertical ("level" or
"surface"), time, variable (WeatherBench 2 name), station; optional: flag (name of a `Flag`,
default pass) and units (of value and error, default the SI unit of the variable). Reading the file
is the caller's business.
"""

import jax.numpy as jnp
import numpy as np
import pandas as pd

from align_da.atmosphere import Layout, variable_named
from align_da.atmosphere.units import to_si
from align_da.errors import InputError
from align_da.observations.batch import Flag, ObservationBatch, Vertical, padded

_NUMBERS = ("value", "error", "latitude", "longitude", "level", "time")
_COLUMNS = (*_NUMBERS, "vertical", "variable", "station")
_OPTIONAL = ("flag", "units")


def batch_from_table(
    table: pd.DataFrame, layout: Layout, pad_to: int | None = None
) -> ObservationBatch:
    """The observations of a table.

    Args:
        table: the columns named above, in any order.
        layout: layout of the state; gives the variables that can be observed.
        pad_to: fixed number of observations; the rest is flagged missing.

    Returns:
        The batch in SI units, not yet quality controlled: NaN values stay.

    Raises:
        InputError: a column is missing, unknown or of the wrong type, a name or unit is unknown,
            or there are more than `pad_to` rows.
    """
    _check_columns(table)
    variable = _codes(table["variable"], {name: i for i, name in enumerate(layout.variables)})
    numbers = {name: _numbers(table[name]) for name in _NUMBERS}
    if "units" in table:
        numbers |= _in_si_units(table, numbers["value"], numbers["error"])
    flags = table["flag"] if "flag" in table else pd.Series("pass", index=table.index)
    batch = ObservationBatch(
        **{name: jnp.asarray(numbers[name], dtype=jnp.float32) for name in _NUMBERS},
        vertical=jnp.asarray(_codes(table["vertical"], _names_of(Vertical))),
        variable=jnp.asarray(variable),
        station=jnp.asarray(_whole_numbers(table["station"])),
        flag=jnp.asarray(_codes(flags, _names_of(Flag))),
    )
    return batch if pad_to is None else padded(batch, pad_to)


def table_from_batch(batch: ObservationBatch, layout: Layout) -> pd.DataFrame:
    """The table of a batch, padding included, with the units of every row."""
    table = pd.DataFrame({name: np.asarray(array) for name, array in vars(batch).items()})
    table["variable"] = [layout.variables[index] for index in table["variable"]]
    table["units"] = [variable_named(name).units for name in table["variable"]]
    table["vertical"] = [Vertical(code).name.lower() for code in table["vertical"]]
    table["flag"] = [Flag(code).name.lower() for code in table["flag"]]
    return table[[*_COLUMNS, *_OPTIONAL]]


def _check_columns(table: pd.DataFrame) -> None:
    missing = [name for name in _COLUMNS if name not in table]
    unknown = [str(name) for name in table.columns if name not in {*_COLUMNS, *_OPTIONAL}]
    if missing or unknown:
        message = (
            f"expected the columns {', '.join(_COLUMNS)} (optional: {', '.join(_OPTIONAL)}); "
            f"missing: {', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'}"
        )
        raise InputError(message)


def _names_of(choices: type[Flag] | type[Vertical]) -> dict[str, int]:
    return {choice.name.lower(): int(choice) for choice in choices}


def _codes(column: pd.Series, known: dict[str, int]) -> np.ndarray:
    """The number of every name in `column`, int32."""
    strangers = sorted({str(name) for name in column if name not in known})
    if strangers:
        message = (
            f"column {column.name or 'flag'!r}: expected one of {', '.join(known)}, "
            f"got {', '.join(strangers[:5])}"
        )
        raise InputError(message)
    return np.asarray([known[name] for name in column], dtype=np.int32)


def _numbers(column: pd.Series) -> np.ndarray:
    """`column` as float64."""
    try:
        return column.to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        message = f"column {column.name!r}: expected numbers, got {column.dtype} ({error})"
        raise InputError(message) from error


def _whole_numbers(column: pd.Series) -> np.ndarray:
    """`column` as int32."""
    numbers = _numbers(column)
    largest = np.iinfo(np.int32).max
    if not np.all((numbers == np.floor(numbers)) & (np.abs(numbers) <= largest)):
        message = f"column {column.name!r}: expected whole numbers of at most {largest}"
        raise InputError(message)
    return numbers.astype(np.int32)


def _in_si_units(
    table: pd.DataFrame, value: np.ndarray, error: np.ndarray
) -> dict[str, np.ndarray]:
    """Value and error in the SI unit of their variable."""
    value, error = value.copy(), error.copy()
    pairs = list(zip(table["variable"], table["units"].astype(str), strict=True))
    for name, units in sorted(set(pairs)):
        variable = variable_named(name)
        place = np.asarray([pair == (name, units) for pair in pairs])
        # An error is a difference: the offset of the unit does not apply.
        zero = to_si(np.zeros(1), units, variable)
        value[place] = to_si(value[place], units, variable)
        error[place] = to_si(error[place], units, variable) - zero
    return {"value": value, "error": error}
