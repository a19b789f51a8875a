"""BUFR messages for tests, by eccodes: templates of WMO and descriptors in any order."""

from collections.abc import Mapping, Sequence
from typing import Any

import eccodes

TIME = {"year": 2024, "month": 1, "day": 1, "hour": 12, "minute": 0}


def bufr_message(
    category: int,
    descriptors: Sequence[int],
    values: Mapping[str, Any],
    *,
    repeated: Sequence[int] = (),
    subsets: int = 1,
    compressed: bool = False,
) -> bytes:
    """One message of edition 4.

    Args:
        category: BUFR table A.
        descriptors: not expanded.
        values: by key of eccodes ("#2#airTemperature"); a list is one value a subset. A key
            without a rank has the first.
        repeated: factors of delayed replications.
        subsets: their number.
        compressed: every element holds its values of all subsets.
    """
    handle = eccodes.codes_bufr_new_from_samples("BUFR4")
    try:
        eccodes.codes_set(handle, "masterTablesVersionNumber", 31)
        eccodes.codes_set(handle, "dataCategory", category)
        eccodes.codes_set(handle, "numberOfSubsets", subsets)
        eccodes.codes_set(handle, "compressedData", int(compressed))
        if repeated:
            eccodes.codes_set_array(handle, "inputDelayedDescriptorReplicationFactor", repeated)
        eccodes.codes_set_array(handle, "unexpandedDescriptors", descriptors)
        for key, value in values.items():
            ranked = key if key.startswith("#") else f"#1#{key}"
            if isinstance(value, list):
                eccodes.codes_set_array(handle, ranked, value)
            else:
                eccodes.codes_set(handle, ranked, value)
        eccodes.codes_set(handle, "pack", 1)
        message: bytes = eccodes.codes_get_message(handle)
        return message
    finally:
        eccodes.codes_release(handle)


def ranked(**values: Sequence[float]) -> dict[str, float]:
    """Values of elements that are given several times: the first, the second, ..."""
    return {
        f"#{rank}#{name}": value
        for name, several in values.items()
        for rank, value in enumerate(several, 1)
    }
