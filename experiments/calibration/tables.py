"""Calibration of every prior from the scores of its draws by date, and the ranks of the truth."""

import numpy as np
import pandas as pd
from jaxtyping import Int

from align_da.verification.ensemble_scores import flatness
from align_da.verification.score_table import spread_skill_ratios
from align_da.verification.table_format import to_markdown

SHOWN = ("u", "v", "T", "q", "p_s")
RANK = "rank "
TRAINING = "training"
"""The product of rows that hold a validation loss, the number of epochs, or that of draws."""


def result(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a prior, variable and lead: what a calibrated prior has near 1, or p not small."""
    found = []
    for label, own in rows.groupby("method", sort=False):
        training = own[own["product"] == TRAINING].set_index("score")["value"].to_dict()
        of_draws = own[own["product"] != TRAINING]
        told = {name: training[name] for name in ("epochs", "loss")}
        shared: dict[str, object] = {"prior": label} | told
        found += [shared | row for row in _rows_of(of_draws, int(training["draws"]))]
    return pd.DataFrame(found)


def show(rows: pd.DataFrame) -> str:
    """The same for people."""
    return to_markdown(result(rows))


def ranks_by_prior(rows: pd.DataFrame, variable: str) -> dict[str, Int[np.ndarray, " rank"]]:
    """Counts of every rank of the truth, over all dates and lead times, by prior."""
    methods = dict.fromkeys(rows["method"])
    return {str(name): _ranks(rows[rows["method"] == name], variable) for name in methods}


def _rows_of(rows: pd.DataFrame, draws: int) -> list[dict[str, object]]:
    """Rows of one prior."""
    scores = rows[~rows["score"].str.startswith(RANK)]
    ratios = spread_skill_ratios(scores).set_index(["product", "variable"])["mean"]
    squares = scores.assign(value=scores["value"] ** 2)
    mean = squares.groupby(["product", "variable", "score"])["value"].mean().unstack("score")
    # The mean of the draws is that much further from the truth than that of infinitely many.
    square = mean["rmse"] - mean["spread"].fillna(0.0) / (draws + 1)
    found: list[dict[str, object]] = []
    for variable in SHOWN:
        counts = _ranks(rows, variable)
        outside = (counts[0] + counts[-1]) / (2 * counts.sum() / counts.size)
        flat = {"outside": outside, "p_of_flat_ranks": flatness(counts).p_value}
        for product in dict.fromkeys(scores["product"]):
            if not product.startswith("draws"):
                continue
            before = square[product.replace("draws", "background"), variable]
            gain = 100 * (1 - np.sqrt(square[product, variable] / before))
            place = {"variable": variable, "lead": product.removeprefix("draws, ")}
            ratio = ratios[product, variable]
            found.append({**place, "spread_skill": ratio, "gain_percent": gain, **flat})
    return found


def _ranks(rows: pd.DataFrame, variable: str) -> Int[np.ndarray, " rank"]:
    """Counts of every rank in the rows of one prior."""
    own = rows[rows["score"].str.startswith(RANK) & (rows["variable"] == variable)]
    numbers = own["score"].str.removeprefix(RANK).astype(int)
    counts = own["value"].groupby(numbers).sum().sort_index()
    return counts.to_numpy().round().astype(int)
