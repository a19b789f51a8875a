"""The table of the README from the scores of blocks of cycles."""

import pandas as pd

from experiments.score_tables import to_thousandths

BLOCK = 50  # cycles whose scores are kept as their mean
PUBLISHED = {
    ("Lorenz-63", "3D-Var, 0.1 B"): 1.04,
    ("Lorenz-63", "ETKF"): 0.60,
    ("Lorenz-96", "3D-Var, 0.02 B"): 0.41,
    ("Lorenz-96", "ETKF"): 0.18,
    ("Lorenz-96", "LETKF"): 0.22,
}
"""RMSE in the comments of DAPPER's files, to two digits."""


def result(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a model and method: published and found RMSE, its range over seeds, spread, CRPS."""
    found = []
    for (model, method, members), own in rows.groupby(["model", "method", "members"], sort=False):
        seeds = own.groupby("seed")["rmse"].mean()
        found.append(
            {
                "model": model,
                "method": method,
                "members": members,
                "published": PUBLISHED[str(model), str(method)],
                "rmse": seeds.mean(),
                "lowest_seed": seeds.min(),
                "highest_seed": seeds.max(),
                "spread": own["spread"].mean(),
                "crps": own["crps"].mean(),
            }
        )
    return pd.DataFrame(found)


def show(rows: pd.DataFrame) -> str:
    """The same for people."""
    return to_thousandths(result(rows), labels=3)
