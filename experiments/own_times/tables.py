"""The table of the README from the scores of blocks of cycles."""

import pandas as pd

from experiments.score_tables import to_thousandths

BLOCK = 50  # cycles whose scores are kept as their mean
BURN_IN = 50
TUNING = 4  # seeds from 0 on whose scores choose the inflation; the others are published
COLUMNS = ["window", "observations", "inflation", "seed", "block", "rmse"]


def result(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a window and kind of observations: RMSE, and its range over seeds.

    The inflation is the best one on seeds of its own.
    """
    found = []
    for (window, observations), own in rows.groupby(["window", "observations"], sort=False):
        tuning = own["seed"] < TUNING
        inflation = own[tuning].groupby("inflation")["rmse"].mean().idxmin()
        chosen = own[~tuning & (own["inflation"] == inflation)]
        seeds = chosen.groupby("seed")["rmse"].mean()
        found.append(
            {
                "window": window,
                "observations": observations,
                "inflation": inflation,
                "rmse": seeds.mean(),
                "lowest_seed": seeds.min(),
                "highest_seed": seeds.max(),
            }
        )
    return pd.DataFrame(found)


def show(rows: pd.DataFrame) -> str:
    """The same for people."""
    return to_thousandths(result(rows), labels=3)
