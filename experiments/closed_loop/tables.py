"""The table of the README from the scores of trajectories."""

import numpy as np
import pandas as pd

from align_da.verification.table_format import to_markdown

COLUMNS = [
    *("world", "row", "seed", "share", "trajectory"),
    *("analysis", "background", "spread", "crps"),
]
FILTER = "LETKF"


def result(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a world, recipe and share: means over trajectories and seeds, gains over the filter.

    A gain is 1 − new/old of the mean over trajectories; its interval, 95 %, takes trajectories and
    trainings as drawn: twice the standard error of the difference, paired by trajectory, whose
    variance holds that of the trainings.
    """
    found = []
    for (world, row, share), own in rows.groupby(["world", "row", "share"], sort=False):
        old = rows[(rows["world"] == world) & (rows["row"] == FILTER)]
        new = own.pivot(index="trajectory", columns="seed", values="analysis")
        reference = old.set_index("trajectory")["analysis"]
        gain, error = _gain(new, reference)
        found.append(
            {
                "world": world,
                "row": row,
                "share": share,
                "seeds": new.shape[1],
                "rmse": own["analysis"].mean(),
                "gain": gain,
                "gain_low": gain - 2 * error,
                "gain_high": gain + 2 * error,
                "crps": own["crps"].mean(),
                "crps_gain": 1 - own["crps"].mean() / old["crps"].mean(),
                "spread_over_rmse": own["spread"].mean() / own["analysis"].mean(),
            }
        )
    return pd.DataFrame(found)


def _gain(new: pd.DataFrame, old: pd.Series) -> tuple[float, float]:
    """1 − new/old in the mean, and its standard error."""
    apart = new.sub(old, axis=0)
    of_trajectories = apart.mean(axis=1).var(ddof=1) / len(apart)
    trainings = apart.mean(axis=0)
    of_trainings = trainings.var(ddof=1) / trainings.size if trainings.size > 1 else 0.0
    error = np.sqrt(of_trajectories + of_trainings) / old.mean()
    return float(1 - new.to_numpy().mean() / old.mean()), float(error)


def show(rows: pd.DataFrame) -> str:
    """The same for people."""
    table = result(rows)
    shown = table[["world", "row", "share", "seeds"]].copy()
    for name in ("rmse", "crps", "spread_over_rmse"):
        shown[name] = table[name].map("{:.3f}".format)
    percent = [
        f"{100 * gain:+.1f} % [{100 * low:+.1f}, {100 * high:+.1f}]"
        for gain, low, high in zip(
            table["gain"], table["gain_low"], table["gain_high"], strict=True
        )
    ]
    shown.insert(5, "gain", percent)
    return to_markdown(shown)
