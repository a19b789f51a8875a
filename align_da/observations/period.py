"""What the reports of a run are worth for the period that is cycled, told before it begins."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from align_da.errors import InputError


def check_period(
    reports: pd.DataFrame,
    variables: Sequence[str],
    period: tuple[np.datetime64, np.datetime64],
    required: Sequence[str] = (),
    optional: Sequence[str] = (),
) -> list[str]:
    """What is to be told of the reports, a line each.

    Used are those flagged pass, of a variable of the state and within the period.

    Args:
        reports: checked reports, their files known.
        variables: of the state.
        period: start and end of all windows, the end not among them.
        required: types without which there is no cycling.
        optional: types whose lack is told.

    Returns:
        A line for every file none of whose reports is ever used, and for every optional type of
        which there is none.

    Raises:
        InputError: no report is ever used, or none of a required type.
    """
    time = reports["time"].to_numpy("datetime64[ns]")
    inside = (time >= period[0]) & (time < period[1])
    used = inside & (reports["flag"] == "pass").to_numpy()
    used &= reports["variable"].isin(list(variables)).to_numpy()
    whole = " to ".join(str(time.astype("datetime64[s]")) for time in period)
    unused = sorted(set(reports["file"]) - set(reports["file"][used]))
    told = [
        f"{file or 'a file'}: no report of this file is ever used: "
        f"{_why(reports[reports['file'] == file])}; the cycles look at {whole}"
        for file in unused
    ]
    there = set(reports["type"][used])
    lacking = [kind for kind in required if kind not in there]
    if lacking or not np.any(used):
        what = f"reports of the required types {', '.join(lacking)}" if lacking else "reports"
        known = f"; there are {', '.join(sorted(there))}" if there else ""
        message = f"expected {what} from {whole}, got none that can be used{known}"
        raise InputError("\n".join([message, *told]))
    missing = [kind for kind in optional if kind not in there]
    return told + [f"no report of the type {kind} can be used from {whole}" for kind in missing]


def _why(rows: pd.DataFrame) -> str:
    """What the reports of a file are."""
    flags = ", ".join(f"{flag} {count}" for flag, count in rows["flag"].value_counts().items())
    times = rows["time"].dropna()
    span = f" from {times.min()} to {times.max()}" if len(times) else ""
    return f"{len(rows)} reports{span} of {', '.join(sorted(set(rows['variable'])))} ({flags})"
