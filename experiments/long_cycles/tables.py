"""Methods of a year beside each other: analyses and backgrounds by date, and tables of them.

A score of a day is the mean of those of its cycles. Every day counts but the first fifteen, in
which cycles forget how they were begun.

Usage: python -m experiments.long_cycles.tables RUN NAME --methods hybrid_gain align_da
"""

from pathlib import Path

import numpy as np
import pandas as pd

from align_da.verification.table_format import to_markdown
from experiments.commands import align_da
from experiments.embedded_world.tables import COSTS, CYCLES, VARIABLES, rows_of, without_intervals
from experiments.embedded_world.tables import tables as side_by_side_tables
from experiments.long_cycles.run import METHODS
from experiments.options import run_options
from experiments.results import only, write_result, write_scores
from experiments.score_tables import summarised

REFERENCE = "hybrid_gain"
"""What the others are compared with: the same as Align-DA without what was learned."""
BEGIN = 15
"""Days that are not counted."""
SEASONS = 4
_RUN = "long_"


def main() -> None:
    """Verify cycles of a year, keep their scores under a name, and print the tables."""
    parser = run_options(__doc__, Path(__file__).parent)
    parser.add_argument("name", help="of the scores that are kept")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    arguments = parser.parse_args()
    names = " ".join(f"--name {_RUN}{method}" for method in arguments.methods)
    settings = ["verification.forecast_lead_hours=[]", *arguments.set]
    align_da(f"verify {names}", arguments.run, arguments.config, settings)
    found = rows_of(arguments.run)[CYCLES]
    rows = by_day(found.assign(method=found["method"].str.removeprefix(_RUN)))
    write_scores(arguments.folder, arguments.name, rows)
    write_result(arguments.folder, arguments.name, result(rows))
    write_result(arguments.folder, f"{arguments.name}_by_season", by_season(rows))
    print(show(rows))


def by_day(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over the cycles of every day."""
    days = rows.assign(date=rows["date"].astype(str).str[:10])
    keys = [name for name in rows.columns if name != "value"]
    return days.groupby(keys, sort=False)["value"].mean().reset_index()


def counted(rows: pd.DataFrame) -> pd.DataFrame:
    """All days but those of the beginning."""
    begin = np.unique(rows.loc[rows["product"] == "analysis", "date"])[BEGIN]
    later: pd.DataFrame = rows[rows["date"] >= begin]
    return later


def result(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean of every score of every method after the beginning, and its gain."""
    return without_intervals(summarised(counted(rows), REFERENCE), COSTS)


def by_season(rows: pd.DataFrame) -> pd.DataFrame:
    """Gains of analyses over the reference, 1 − new/old, of each quarter of the days."""
    errors = only(rows, product=["analysis"], score=["rmse"], variable=VARIABLES)
    dates = np.unique(errors["date"])
    season = np.searchsorted(dates, errors["date"]) * SEASONS // len(dates) + 1
    means = errors.assign(quarter=season).pivot_table(
        index=["method", "quarter"], columns="variable", values="value", sort=False
    )
    gains = 1 - means.div(means.loc[REFERENCE], level="quarter")
    table: pd.DataFrame = gains[[*VARIABLES]].drop(REFERENCE).reset_index()
    return table


def show(rows: pd.DataFrame) -> str:
    """All tables as Markdown."""
    return f"{side_by_side_tables(result(rows))}\n### by quarter\n\n{in_percent(by_season(rows))}"


def in_percent(gains: pd.DataFrame) -> str:
    """Gains by quarter as Markdown."""
    return to_markdown(gains.assign(**gains[[*VARIABLES]].map("{:+.1%}".format)))


if __name__ == "__main__":
    main()
