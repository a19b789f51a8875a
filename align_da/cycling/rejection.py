"""Whether quality control has left anything of the reports of a cycle."""

import numpy as np
from jaxtyping import Array, Int

from align_da.observations.batch import Flag

_LEFT = (Flag.PASS, Flag.PASSIVE)


def all_rejected(cycle: int, flags: Int[Array | np.ndarray, " observation"]) -> list[str]:
    """What is wrong, in a line; none where a report was used or withheld, or where there is none.

    Args:
        cycle: its number.
        flags: of its reports after quality control; padded entries are missing.
    """
    found = np.asarray(flags)
    found = found[found != Flag.MISSING]
    if found.size == 0 or np.isin(found, _LEFT).any():
        return []
    numbers, counts = np.unique(found, return_counts=True)
    told = ", ".join(
        f"{Flag(number).name.lower()} {count}"
        for number, count in zip(numbers, counts, strict=True)
    )
    line = (
        f"cycle {cycle}: none of {found.size} reports is used ({told}): the analysis is the "
        "background; look at their positions, levels, units and errors"
    )
    return [line]
