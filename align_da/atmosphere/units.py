"""Conversion to the SI units of the variable table, where data enter.

Every row is exact by definition of the unit (BIPM, The International System of Units, 9th ed.).
"""

import numpy as np

from align_da.atmosphere.variables import Variable
from align_da.errors import InputError

_SPELLINGS = {
    "K": ("K", "kelvin", "Kelvin"),
    "Pa": ("Pa", "pascal", "Pascal"),
    "m s-1": ("m s-1", "m s**-1", "m s^-1", "m/s"),
    "kg kg-1": ("kg kg-1", "kg kg**-1", "kg kg^-1", "kg/kg", "1"),
    "m2 s-2": ("m2 s-2", "m**2 s**-2", "m^2 s^-2", "m2/s2"),
    "1": ("1", "", "dimensionless"),
}
_CONVERSIONS = {  # SI unit: {other unit: (factor, offset)}
    "K": {"degC": (1.0, 273.15), "celsius": (1.0, 273.15), "°C": (1.0, 273.15)},
    "Pa": {"hPa": (100.0, 0.0), "mbar": (100.0, 0.0), "millibars": (100.0, 0.0)},
    "m s-1": {"kt": (1852.0 / 3600.0, 0.0), "knot": (1852.0 / 3600.0, 0.0)},
    "kg kg-1": {"g kg-1": (1e-3, 0.0), "g/kg": (1e-3, 0.0)},
}


def to_si(values: np.ndarray, units: str, variable: Variable) -> np.ndarray:
    """Values of `variable` in its SI unit.

    Args:
        values: any shape, in `units`.
        units: the unit that the source declares.
        variable: a row of the variable table.

    Raises:
        InputError: a unit that is not known for this variable.
    """
    if units in _SPELLINGS[variable.units]:
        return values
    known = _CONVERSIONS.get(variable.units, {})
    if units not in known:
        spelt = [spelling or "nothing" for spelling in _SPELLINGS[variable.units]]
        accepted = ", ".join([*spelt, *known])
        message = f"{variable.name}: expected units of {variable.units}, got {units!r}: convert "
        message += f"the input to one of {accepted}"
        raise InputError(message)
    factor, offset = known[units]
    return np.asarray(values * factor + offset, dtype=values.dtype)
