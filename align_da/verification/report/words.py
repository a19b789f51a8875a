"""What the numbers say, in words: which run is better, by how much, and how sure that is.

A sentence claims a difference only where the interval of `significance` excludes zero, and says
what stands behind it: how many dates, and how many independent ones they are worth.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from align_da.verification.relative_errors import RELATIVE

_VERDICTS = {
    "better": "is better than",
    "worse": "is worse than",
    "no difference": "cannot be told from",
}


def told_comparison(summary: pd.DataFrame, run: str, reference: str, labels: Sequence[str]) -> str:
    """The analyses of a run beside those of its reference, in a few sentences.

    Args:
        summary: of `summarise_scores` with this reference, with relative errors among its rows.
        run: the run that is spoken of.
        reference: what it is compared with.
        labels: the fields that are named one by one.
    """
    own = summary[(summary["method"] == run) & (summary["product"] == "analysis")]
    row = _gain(own[own["score"] == RELATIVE])
    if row is None:
        return f"{run} and {reference} have no errors to compare."
    if not np.isfinite(row["improvement_low"]):
        return f"Whether {run} is better than {reference} cannot be said yet: {_dates(row)}."
    single = own[(own["score"] == "rmse") & own["variable"].isin(labels)]
    return (
        f"{run} {_VERDICTS[row['verdict']]} {reference}: the error of its analyses, mean over "
        f"variables, is {_change(row)}. {_by_variable(single)} {_dates(row).capitalize()}."
    )


def told_alone(summary: pd.DataFrame, run: str) -> str:
    """A run by itself: what its analyses gain over their backgrounds.

    Args:
        summary: of `summarise_scores` of relative errors, where the products of the run are the
            methods and the background is the reference.
        run: its name.
    """
    row = _gain(summary[summary["method"] == "analysis"])
    if row is None:
        return f"{run} has no errors to tell of."
    told = f"The error of the analyses of {run}, beside that of their backgrounds and as the mean"
    if not np.isfinite(row["improvement_low"]):
        return f"{told} over variables, cannot be told yet: {_dates(row)}."
    return f"{told} over variables, is {_change(row)}. {_dates(row).capitalize()}."


def told_extent(extents: Mapping[str, str]) -> str:
    """What was scored, said once where it is the same of all runs.

    Args:
        extents: cycles and members in words, by run.
    """
    if len(set(extents.values())) == 1:
        each = " each" if len(extents) > 1 else ""
        return f"Scored: {_listed(list(extents))}, {next(iter(extents.values()))}{each}."
    return f"Scored: {'; '.join(f'{name}, {extent}' for name, extent in extents.items())}."


def _gain(rows: pd.DataFrame) -> pd.Series | None:
    """The row with an improvement, if there is one."""
    there = rows if "improvement" not in rows else rows.dropna(subset="improvement")
    return there.iloc[0] if "improvement" in rows and len(there) else None


def _change(row: pd.Series) -> str:
    """An improvement with its interval, as what becomes of the error."""
    low, high = row["improvement_low"], row["improvement_high"]
    if low * high > 0:
        nearest, farthest = sorted((abs(low), abs(high)))
        interval = f"{_percent(nearest)} to {_side(row['improvement'], farthest)}"
    else:
        interval = f"from {_side(low, abs(low))} to {_side(high, abs(high))}"
    return f"{_side(row['improvement'], abs(row['improvement']))} (95 % interval: {interval})"


def _percent(share: float) -> str:
    """A share with a digit where there are few."""
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"


def _side(gain: float, size: float) -> str:
    """A change of the error and its direction."""
    return f"{_percent(size)} {'lower' if gain >= 0 else 'higher'}"


def _by_variable(single: pd.DataFrame) -> str:
    """In which variables a difference is sure, and in which it is not."""
    told = []
    for verdict, direction in (("better", "lower"), ("worse", "higher")):
        sure = single[single["verdict"] == verdict]
        if len(sure):
            parts = [
                f"{row['variable']} ({_percent(abs(row['improvement']))})"
                for row in sure.to_dict("records")
            ]
            told.append(f"It is surely {direction} in {_listed(parts)}.")
    unsure = list(single.loc[single["verdict"] == "no difference", "variable"])
    if unsure:
        told.append(f"No difference is sure in {_listed(unsure)}.")
    return " ".join(told)


def _listed(parts: Sequence[str]) -> str:
    """Words with commas, and "and" before the last."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def _dates(row: pd.Series) -> str:
    """What stands behind an interval."""
    dates, worth = int(row["dates"]), f"{row['effective_dates']:.3g}"
    return f"{dates} dates are worth {worth} independent {'one' if worth == '1' else 'ones'}"
