"""The table of the README from the scores of blocks of cycles."""

import pandas as pd

from align_da.verification.table_format import to_markdown

BLOCK = 50  # cycles whose scores are kept as their mean
BURN_IN = 50
COLUMNS = ["window", "observations", "inflation", "seed", "block", "rmse"]


def result(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a window and kind of observations: RMSE with the best inflation, range over seeds."""
    found = []
    for (window, observations), own in rows.groupby(["window", "observations"], sort=False):
        inflation = own.groupby("inflation")["rmse"].mean().idxmin()
        seeds = own[own["inflation"] == inflation].groupby("seed")["rmse"].mean()
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
    table = result(rows)
    numbers = list(table.columns[3:])
    table[numbers] = table[numbers].map("{:.3f}".format)
    return to_markdown(table)
