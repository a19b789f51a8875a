"""Times: UTC of the standard calendar, in nanoseconds, without leap seconds."""

import numpy as np
from jaxtyping import Shaped

from align_da.errors import InputError


def in_nanoseconds(times: Shaped[np.ndarray, "*time"]) -> Shaped[np.ndarray, "*time"]:
    """The same times as datetime64[ns].

    Before version 2.5 NumPy wraps what nanoseconds cannot hold around without a word: 2300 would
    become 1715.

    Raises:
        InputError: a time is not known, or not within the years 1678 to 2261.
    """
    message = f"expected times of the years 1678 to 2261, got {times}: correct the input"
    try:
        exact = times.astype("datetime64[ns]")
    except OverflowError as error:
        raise InputError(message) from error
    if np.isnat(exact).any() or np.any(exact.astype(times.dtype) != times):
        raise InputError(message)
    return exact
