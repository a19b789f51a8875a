"""Errors of cycles beside those of the same cycles without a network, from scores by date."""

import pandas as pd

from experiments.score_tables import by_method, summarised

REFERENCE = "no network"


def result(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean of every score, and its gain over the cycles without a network."""
    return summarised(rows, REFERENCE)


def show(rows: pd.DataFrame) -> str:
    """RMSE of backgrounds and of analyses."""
    summary, products = result(rows), ("background", "analysis")
    return "\n".join(f"### {name}\n\n{by_method(summary, 'rmse', name)}" for name in products)
