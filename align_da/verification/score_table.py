"""The score table: per-date scores in, means with paired intervals against a reference out.

Rows are tidy: one score of one method at one date. Columns (`ROW_COLUMNS`):

    date      valid time of the analysis
    method    consistent name of the method
    product   what was scored: background, analysis, forecast 24 h, ...
    variable  label of a `VerifiedField`
    score     one of `SCORES`, or any other name (then only its mean is shown)
    value     SI units

Methods are compared on the same dates only, and a difference counts only where its interval
excludes zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import jax
import numpy as np
import pandas as pd

from align_da.errors import InputError
from align_da.verification.significance import (
    Bootstrap,
    Interval,
    improvement,
    mean_difference,
    verdict,
)

ROW_COLUMNS = ("date", "method", "product", "variable", "score", "value")
_GROUP = ["product", "variable", "score"]


@dataclass(frozen=True)
class ScoreMeaning:
    """How a score is read.

    Attributes:
        label: name in tables and figures.
        aim: "low" or "high" is better; "none" has no better side by itself.
    """

    label: str
    aim: Literal["low", "high", "none"]


SCORES: Mapping[str, ScoreMeaning] = {
    "rmse": ScoreMeaning("RMSE", "low"),
    "crps": ScoreMeaning("CRPS of independent draws", "low"),
    "relative_rmse": ScoreMeaning("RMSE relative to the reference", "low"),
    "departure": ScoreMeaning("RMS departure from observations", "low"),
    "forecast_rmse": ScoreMeaning("RMSE of the forecast", "low"),
    "bias": ScoreMeaning("bias", "none"),
    "spread": ScoreMeaning("spread", "none"),
    "spread_skill": ScoreMeaning("spread/skill", "none"),
    "balance": ScoreMeaning("balance score", "high"),
    "imbalance": ScoreMeaning("imbalance, z", "none"),
    "strength": ScoreMeaning("strength of the wind, z", "none"),
    "divergence": ScoreMeaning("divergence, z", "none"),
    "tendency": ScoreMeaning("tendency of p_s, z", "none"),
    "chi_square": ScoreMeaning("residual chi-square", "none"),
    "consistency": ScoreMeaning("innovation variance over what is expected", "none"),
    "learned_share": ScoreMeaning("learned share that acts", "none"),
    "seconds": ScoreMeaning("seconds an analysis", "low"),
    "cpu_seconds": ScoreMeaning("CPU seconds a cycle", "low"),
    "megabytes": ScoreMeaning("MB at its peak", "low"),
}


def summarise_scores(
    rows: pd.DataFrame, reference: str, bootstrap: Bootstrap, key: jax.Array
) -> pd.DataFrame:
    """Mean of every score of every method, and its gain over the reference.

    Args:
        rows: tidy rows (columns of `ROW_COLUMNS`).
        reference: the method that the others are compared with; it must cover their dates.
        bootstrap: how dates are drawn again.
        key: of `Purpose.VERIFICATION`.

    Returns:
        One row a product, variable, score and method: dates, mean, difference with its 95 %
        interval (unit of the score), improvement 1 − new/old with its interval (where low is
        better), verdict, the length of the blocks and the independent dates that the dates are
        worth (of the improvement if there is one). Spread and skill yield a further score
        `spread_skill`.

    Raises:
        InputError: a column is missing, a date is there twice, the reference is missing, or a
            method was scored at other dates than the reference.
    """
    _check_rows(rows, reference)
    found: list[dict[str, object]] = []
    for place, group in rows.groupby(_GROUP, sort=False):
        series = group.pivot(index="date", columns="method", values="value").sort_index()
        methods = list(dict.fromkeys(group["method"]))
        for method in methods:
            row = dict(zip(_GROUP, place, strict=True)) | {"method": method}
            old = series.get(reference)
            found.append(row | _compare(series[method], old, str(place[-1]), bootstrap, key))
    return pd.concat([pd.DataFrame(found), spread_skill_ratios(rows)], ignore_index=True)


def spread_skill_ratios(rows: pd.DataFrame) -> pd.DataFrame:
    """Spread over skill of each method: root of mean squares over the dates, 1 is reliable.

    The rows "spread" are already comparable with the RMSE, see `ensemble_scores`.
    """
    squares = rows.assign(value=rows["value"] ** 2)
    mean = squares.groupby(["product", "variable", "method", "score"], sort=False)["value"].mean()
    wide = mean.unstack("score")
    if not {"spread", "rmse"} <= set(wide.columns):
        return pd.DataFrame()
    ratio = wide["spread"].div(wide["rmse"]).pow(0.5).dropna()
    return ratio.rename("mean").reset_index().assign(score="spread_skill")


def _check_rows(rows: pd.DataFrame, reference: str) -> None:
    """Refuse rows that cannot be paired by date."""
    missing = [name for name in ROW_COLUMNS if name not in rows.columns]
    if missing:
        message = f"expected columns {', '.join(ROW_COLUMNS)}: {', '.join(missing)} missing"
        raise InputError(message)
    if reference not in set(rows["method"]):
        methods = ", ".join(sorted(set(rows["method"])))
        message = f"no scores of the reference {reference!r}: the table holds {methods}"
        raise InputError(message)
    repeated = rows.duplicated([*_GROUP, "date", "method"])
    if repeated.any():
        message = f"a score is there twice, first {rows[repeated].iloc[0].to_dict()}"
        raise InputError(message)


def _compare(
    new: pd.Series, old: pd.Series | None, score: str, bootstrap: Bootstrap, key: jax.Array
) -> dict[str, object]:
    """Mean, gain and verdict of one method; a series is named by its method, indexed by date."""
    new = new.dropna()
    row: dict[str, object] = {"dates": len(new), "mean": float(new.mean())}
    if old is None:
        return row
    if new.name == old.name:
        return row | {"verdict": "reference"}
    old = old.dropna()
    if not new.index.equals(old.index):
        message = (
            f"{new.name} and {old.name} must be scored at the same dates, got {len(new)} and "
            f"{len(old)} for {score}: run both over the same cycles"
        )
        raise InputError(message)
    return row | _gains(new.to_numpy(), old.to_numpy(), score, bootstrap, key)


def _gains(
    new: np.ndarray, old: np.ndarray, score: str, bootstrap: Bootstrap, key: jax.Array
) -> dict[str, object]:
    """Difference, improvement where low is better, verdict where there is a better side."""
    aim = SCORES[score].aim if score in SCORES else "none"
    difference = mean_difference(new, old, bootstrap, key)
    row = _columns("difference", difference) | _memory(difference)
    if aim == "high":
        return row | {"verdict": verdict(difference)}
    if aim == "low" and old.mean() > 0 and min(new.min(), old.min()) >= 0:
        gain = improvement(new, old, bootstrap, key)
        return row | _columns("improvement", gain) | _memory(gain) | {"verdict": verdict(gain)}
    return row


def _columns(name: str, interval: Interval) -> dict[str, object]:
    """The three columns of an interval."""
    return {name: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _memory(interval: Interval) -> dict[str, object]:
    """What stands behind an interval."""
    return {
        "block_length": interval.block_length,
        "effective_dates": interval.effective_dates,
    }
