"""One number for a whole state: its error relative to that of a reference, mean over variables.

    r_t = mean_v RMSE_vt / mean_t' RMSE^ref_vt'

Its mean over the dates is 1 for the reference. It is a series of scores like any other: where two
runs differ in it, the intervals of `significance` say how sure that is.
"""

from collections.abc import Sequence

import pandas as pd

from align_da.verification.score_table import ROW_COLUMNS

WHOLE = "whole state"
RELATIVE = "relative_rmse"


def relative_errors(rows: pd.DataFrame, reference: str, labels: Sequence[str]) -> pd.DataFrame:
    """Errors of whole states at every date.

    Args:
        rows: tidy rows of `score_table`, of which those of the score "rmse" are read.
        reference: name of the method whose errors are the measure.
        labels: the fields that make the state; those on which the reference has no error, and
            those that it lacks, are left out.

    Returns:
        Rows with the columns of `ROW_COLUMNS`, variable `WHOLE`, score `RELATIVE`, dimensionless.
    """
    chosen = rows[(rows["score"] == "rmse") & rows["variable"].isin(labels)]
    own = chosen[chosen["method"] == reference]
    unit = own.groupby(["product", "variable"])["value"].agg(unit="mean")
    measured = chosen.join(unit[unit["unit"] > 0], on=["product", "variable"], how="inner")
    ratio = measured.assign(value=measured["value"] / measured["unit"])
    mean = ratio.groupby(["date", "method", "product"], sort=False)["value"].mean().reset_index()
    return mean.assign(variable=WHOLE, score=RELATIVE)[list(ROW_COLUMNS)]
