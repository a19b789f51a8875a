"""The alarm for a variable most of whose observations are rejected: a wrong unit or sign.

One gross error is a bad observation; if most of a kind are in error, their source is.
"""

import numpy as np

from align_da.atmosphere import Layout, variable_named
from align_da.errors import InputError
from align_da.observations.batch import Flag, ObservationBatch

_REJECTED = (Flag.BOUNDS, Flag.BACKGROUND, Flag.BUDDY)
_FEWEST = 20  # observations of a variable: of fewer a majority can be bad by chance


def check_reject_ratio(
    reported: ObservationBatch, checked: ObservationBatch, layout: Layout, largest: float
) -> None:
    """Refuse a batch in which too large a share of one variable is rejected.

    Counted are observations that were to be assimilated and whose value has been judged: not those
    that were passive, missing or padded, or are duplicates or outside the domain.

    Args:
        reported: before quality control.
        checked: the same after it.
        layout: names the variables.
        largest: admissible share of flags bounds, background and buddy, 0 to 1.

    Raises:
        InputError: names the variable, the share and what is likely wrong.
    """
    flag, value = np.asarray(checked.flag), np.asarray(checked.value)
    judged = (np.asarray(reported.flag) == Flag.PASS) & np.isin(flag, (Flag.PASS, *_REJECTED))
    for index, name in enumerate(layout.variables):
        own = judged & (np.asarray(checked.variable) == index)
        rejected = own & (flag != Flag.PASS)
        if own.sum() < _FEWEST or rejected.sum() <= largest * own.sum():
            continue
        counts = ", ".join(
            f"{kind.name.lower()} {(flag[own] == kind).sum()}" for kind in _REJECTED
        )
        low, high = value[rejected].min(), value[rejected].max()
        highest = variable_named(name).with_unit(f"{high:.4g}")
        message = (
            f"{name}: {rejected.sum()} of {own.sum()} reported observations are rejected "
            f"({counts}), expected at most {largest:.0%}. Those rejected are {low:.4g} to "
            f"{highest}: their unit or sign is likely wrong. "
            "Declare the unit they have, correct them, or leave them out"
        )
        raise InputError(message)
