"""What others have decided about the reports of an IODA file.

PreQC and QualityMarker hold marks of NCEP; as UFO does, a report without a mark beside others that
have one is rejected. EffectiveQC, EffectiveQC0, EffectiveQC1 ... hold flags of UFO, those of the
last outer loop count. GsiEffectiveQC is 0 and GsiUseFlag 1 where GSI has used the report. A report
that any of them rejects is not used.
"""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from align_da.errors import InputError
from align_da.observations.batch import Flag
from data_pipelines.observations.ioda_variables import numbers_of_variable
from data_pipelines.observations.quality_marks import flags_of_marks

_MARKS = ("PreQC", "QualityMarker")
_GSI = {"GsiEffectiveQC": 0, "GsiUseFlag": 1}
_REJECTED = 15.0  # mark
_UFO = re.compile(r"EffectiveQC(\d*)")
_SUMMED_UP = {"PreUseFlag", "GsiQCWeight"}  # by GsiEffectiveQC
_VERDICT = re.compile(r"qc|quality|flag|reject", re.IGNORECASE)
_KNOWN = {int(flag): flag.name.lower() for flag in Flag}


def check_verdicts(groups: Iterable[str]) -> set[str]:
    """The groups of decisions that are understood.

    Raises:
        InputError: there is a group of decisions that is not.
    """
    names = set(groups)
    known = {name for name in names if name in {*_MARKS, *_GSI} or _UFO.fullmatch(name)}
    if "GsiEffectiveQC" in names:
        known |= names & _SUMMED_UP
    strange = sorted(name for name in names - known if _VERDICT.search(name))
    if strange:
        message = (
            f"expected to understand what was decided about the reports, got {', '.join(strange)} "
            f"beside {', '.join(sorted(known)) or 'nothing'}: take the group out of the file, or "
            "bring what it says into EffectiveQC"
        )
        raise InputError(message)
    return known


def flags_of_variable(file: Any, name: str, count: int) -> tuple[np.ndarray, np.ndarray]:  # noqa: ANN401 (netCDF4 has no types)
    """The name of the flag of every location, and whether a flag of UFO says that it reports.

    Args:
        file: the IODA file.
        name: of the variable.
        count: number of locations.

    Returns:
        Names of flags [location], and bool [location], True everywhere in a file without flags.

    Raises:
        InputError: a flag is none of UFO.
    """
    flag, there = _flags_of_ufo(file, name, count)
    for group, used in _GSI.items():
        number = _numbers(file, group, name, count)
        if number is not None:
            flag = np.where((flag == "pass") & (number != used), "pre_qc", flag)
    for group in _MARKS:
        number = _numbers(file, group, name, count)
        if number is not None:
            marked = flags_of_marks(np.nan_to_num(number, nan=_REJECTED))
            flag = np.where(np.isin(flag, ("pass", "passive")) & (marked != "pass"), marked, flag)
    return flag, there


def _flags_of_ufo(file: Any, name: str, count: int) -> tuple[np.ndarray, np.ndarray]:  # noqa: ANN401
    """Flags of the last outer loop, pass where there are none."""
    loops = [(group, found[1]) for group in file.groups if (found := _UFO.fullmatch(group))]
    # EffectiveQC without a number is the final one.
    last_first = sorted(loops, key=lambda loop: int(loop[1] or 10**9), reverse=True)
    given = ((group, _numbers(file, group, name, count)) for group, _ in last_first)
    group, number = next((pair for pair in given if pair[1] is not None), ("", None))
    if number is None:
        return np.full(count, "pass", dtype=object), np.ones(count, bool)
    there = np.isfinite(number)
    strange = sorted(set(number[there].astype(int).tolist()) - set(_KNOWN))
    if strange:
        message = f"{group}/{name}: expected the flags {list(_KNOWN)}, got {strange}"
        raise InputError(message)
    flags = [
        _KNOWN[int(flag)] if known else "pass" for flag, known in zip(number, there, strict=True)
    ]
    return np.asarray(flags, dtype=object), there


def _numbers(file: Any, group: str, name: str, count: int) -> np.ndarray | None:  # noqa: ANN401
    """Numbers of a variable in a group, None if there is no such variable."""
    if group not in file.groups or name not in file[group].variables:
        return None
    return numbers_of_variable(file[group].variables[name], count)
