"""Numbers that stand for "no value" in files.

They are told from values before anything is computed of them: a longitude of -999 modulo 360 is a
place, -999 degrees Celsius in kelvin and 9999 m as geopotential are numbers like any other.
"""

import numpy as np
from jaxtyping import Bool, Float

FILL_VALUES = (
    *(-999.0, -9999.0, -99999.0, -999999.0, 9999.0, 999999.0),  # WMO and text files
    -888888.0,  # DART
    *(32767.0, -32767.0, -32768.0),  # 16-bit integers
    *(2147483647.0, -2147483647.0, -2147483648.0),  # 32-bit integers
)
LARGEST_VALUE = 1.0e30
"""netCDF fills with 9.97e36, eccodes with -1e100 and 1.7e38, IODA with -3.4e38."""


def is_fill(values: Float[np.ndarray, " row"]) -> Bool[np.ndarray, " row"]:
    """Whether each number is none, in whatever unit it is."""
    with np.errstate(over="ignore", invalid="ignore"):
        beyond = ~(np.abs(values) < LARGEST_VALUE)
        return np.asarray(beyond | np.isin(values, FILL_VALUES))


def without_fill(values: Float[np.ndarray, " row"]) -> Float[np.ndarray, " row"]:
    """The numbers with NaN in the place of every one that is none."""
    return np.where(is_fill(values), np.nan, values)
