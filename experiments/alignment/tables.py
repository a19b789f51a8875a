"""The tables of the README from the scores of trajectories."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from align_da.verification.table_format import to_markdown
from experiments.alignment.futures import HELD_OUT, LEADS, REWARDED

REFERENCE, CONTROL = "no further training", "continued training"
COLUMNS = [
    *("row", "seed", "phase", "trajectory"),
    *(f"rmse_{lead}" for lead in LEADS),
    *(f"crps_{lead}" for lead in LEADS),
    "spread",
]
MEASURES: Mapping[str, list[str]] = {
    "analysis": ["rmse_0"],
    "analysis_crps": ["crps_0"],
    "forecast": [f"rmse_{lead}" for lead in REWARDED],
    "forecast_crps": [f"crps_{lead}" for lead in REWARDED],
    "held_out": [f"rmse_{HELD_OUT}"],
    "held_out_crps": [f"crps_{HELD_OUT}"],
}
"""Of what gains are told → columns whose mean it is."""


def result(rows: pd.DataFrame, phase: str = "all") -> pd.DataFrame:
    """A row a row: scores, and gains over continued training with their intervals.

    A gain is 1 − new/old of means over trajectories and seeds. Its interval, 95 %, is twice the
    standard error of the difference, paired by training and trajectory; trajectories of a training
    and trainings are both taken as drawn.
    """
    own = rows[rows["phase"] == phase]
    old = own[own["row"] == CONTROL]
    found = []
    for row, new in own.groupby("row", sort=False):
        entry = {
            "row": row,
            "seeds": new["seed"].nunique(),
            "rmse": new["rmse_0"].mean(),
            "crps": new["crps_0"].mean(),
            "spread_over_rmse": new["spread"].mean() / new["rmse_0"].mean(),
        }
        for name, columns in MEASURES.items():
            gain, error = _gain(_wide(new, columns), _wide(old, columns))
            entry |= {
                name: gain,
                f"{name}_low": gain - 2 * error,
                f"{name}_high": gain + 2 * error,
            }
        found.append(entry)
    return pd.DataFrame(found)


def by_lead(rows: pd.DataFrame, score: str) -> pd.DataFrame:
    """Gains over continued training by row and lead, of `rmse` or `crps`."""
    own = rows[rows["phase"] == "all"]
    old = own[own["row"] == CONTROL]
    found = [
        (row, lead, *_gain(*(_wide(one, [f"{score}_{lead}"]) for one in (new, old))))
        for row, new in own.groupby("row", sort=False)
        for lead in LEADS
    ]
    return pd.DataFrame(found, columns=["row", "lead", "gain", "error"])


def _wide(rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """The mean of some scores, trajectories by trainings."""
    mean = rows.assign(score=rows[columns].mean(axis=1))
    return mean.pivot_table(index="trajectory", columns="seed", values="score")


def _gain(new: pd.DataFrame, old: pd.DataFrame) -> tuple[float, float]:
    """1 − new/old in the mean over the trainings that both have, and its standard error."""
    both = new.columns.intersection(old.columns)
    new, old = new[both], old[both]
    apart = new - old
    of_trajectories = (apart.var(ddof=1) / len(apart)).mean() / len(both)
    trainings = apart.mean()
    of_trainings = trainings.var(ddof=1) / len(both) if len(both) > 1 else 0.0
    scale = old.to_numpy().mean()
    error = np.sqrt(of_trajectories + of_trainings) / scale
    return float(1 - new.to_numpy().mean() / scale), float(error)


def show(rows: pd.DataFrame) -> str:
    """Scores and gains, and the gains by the time after the switch, for people."""
    table = result(rows)
    shown = table[["row", "seeds"]].copy()
    for name in ("rmse", "crps", "spread_over_rmse"):
        shown[name] = table[name].map("{:.3f}".format)
    for name in MEASURES:
        shown[name] = _percent(table, name)
    return f"{to_markdown(shown)}\n\n{to_markdown(_in_time(rows))}"


def _in_time(rows: pd.DataFrame) -> pd.DataFrame:
    """Gains in the analysis and in the CRPS of forecasts, at cycles 1, 20 and 120."""
    shown = pd.DataFrame({"row": result(rows)["row"]})
    for phase in ("1", "20", "120"):
        table = result(rows, phase)
        for name in ("analysis", "forecast_crps"):
            shown[f"{name}, cycle {phase}"] = _percent(table, name)
    return shown


def _percent(table: pd.DataFrame, name: str) -> list[str]:
    return [
        f"{100 * gain:+.1f} % [{100 * low:+.1f}, {100 * high:+.1f}]"
        for gain, low, high in zip(
            table[name], table[f"{name}_low"], table[f"{name}_high"], strict=True
        )
    ]
