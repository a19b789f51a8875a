"""Variables of IODA files as arrays of float64, one entry a location."""

from typing import Any

import numpy as np

from align_da.atmosphere import VARIABLES
from align_da.atmosphere.units import to_si
from align_da.constants import GRAVITY
from align_da.errors import InputError
from align_da.observations.fill_values import LARGEST_VALUE, without_fill

_DEGREES = {"degree", "degrees", "degree_true", "degrees_true", "deg"}


def variables_of(file: Any, group: str) -> dict[str, Any]:  # noqa: ANN401 (netCDF4 has no types)
    """The variables of a group by name; what IODA has derived stands for what was read.

    So does `ObsSpace::get_db` of IODA look for a variable: in "Derived" + group, then in group.
    """
    found: dict[str, Any] = {}
    for name in (group, f"Derived{group}"):
        if name in file.groups:
            found |= file[name].variables
    return found


def numbers_of_variable(variable: Any, count: int | None = None) -> np.ndarray:  # noqa: ANN401
    """Values as float64, NaN for the fill value.

    Args:
        variable: of the file.
        count: number of locations, if it is known.

    Raises:
        InputError: it holds no numbers, or not one a location.
    """
    if not np.issubdtype(variable.dtype, np.number):
        message = f"{variable.name}: expected numbers, got {variable.dtype}"
        raise InputError(message)
    values = np.ma.filled(np.ma.asarray(variable[:], dtype=np.float64), np.nan)
    if count is not None and values.shape != (count,):
        where = f"{variable.group().name}/{variable.name}"
        message = f"{where}: expected {count} locations, got shape {values.shape}"
        raise InputError(message)
    return np.where(np.abs(values) < LARGEST_VALUE, values, np.nan)


def in_si(variable: Any, name: str, count: int, *, is_error: bool = False) -> np.ndarray:  # noqa: ANN401
    """Values in the SI unit of the variable called `name`, NaN where there are none.

    Geopotential is height in IODA.

    Raises:
        InputError: the unit is not known, or there is not one number a location.
    """
    values = without_fill(numbers_of_variable(variable, count))  # before they are other numbers
    units = str(getattr(variable, "units", ""))
    if name == "geopotential":
        _check_units(variable, units, {"m", "gpm"}, "m")
        return values * GRAVITY
    row = VARIABLES[name]
    zero = to_si(np.zeros(1), units, row) if is_error else np.zeros(1)
    return np.asarray(to_si(values, units, row) - zero)


def in_degrees(variable: Any, count: int) -> np.ndarray:  # noqa: ANN401
    """Directions in degrees; NaN beyond 0 to 360.

    Raises:
        InputError: the unit is another, or there is not one number a location.
    """
    _check_units(variable, str(getattr(variable, "units", "")), _DEGREES, "degree")
    values = numbers_of_variable(variable, count)
    return np.where((values >= 0) & (values <= 360), values, np.nan)


def _check_units(variable: Any, units: str, known: set[str], expected: str) -> None:  # noqa: ANN401
    if units not in known:
        message = f"{variable.name}: expected units of {expected}, got {units!r}"
        raise InputError(message)
