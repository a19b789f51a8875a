"""Print the score tables of a finished run as Markdown, a row a method.

Single analyses are compared over all dates, cycles over their second half, where the start is
forgotten. Brackets hold the improvement over the reference; a star marks one whose interval
excludes zero.

Usage: python -m experiments.embedded_world.tables [RUN] [--reference METHOD]
       [--cycle-reference RUN]
"""

import argparse
import itertools
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from align_da.errors import InputError
from align_da.verification.score_table import SCORES
from align_da.verification.table_format import readable_table, to_markdown
from experiments.results import write_result, write_scores
from experiments.score_tables import summarised, with_dates

CYCLES = "cycles"
VARIABLES = ("u", "v", "T", "q", "p_s")
ERRORS = tuple((variable, "rmse") for variable in VARIABLES)
REST = (
    ("u", "crps"),
    ("T", "crps"),
    ("u", "spread_skill"),
    ("T", "spread_skill"),
    ("state", "balance"),
    ("state", "chi_square"),
    ("state", "seconds"),
    ("state", "cpu_seconds"),
    ("state", "megabytes"),
    ("u", "forecast_rmse"),
    ("T", "forecast_rmse"),
)
COSTS = ("cpu_seconds", "megabytes")
"""Of a run as a whole: a ratio, and no dates of which there could be an interval."""
_OF_DATES = (
    *("difference_low", "difference_high", "improvement_low", "improvement_high"),
    *("block_length", "effective_dates", "verdict"),
)
_SEED = r"_seed_\d+$"
REFERENCES = (
    "letkf_20",
    "hybrid_gain_20",
    "latent_three_d_var",
    "optimal interpolation",
    "background",
)
"""What the others are compared with: the first of these that was scored."""


def main() -> None:
    """Two tables for every product of every benchmark and of the cycles."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="?", default="runs/embedded_world", type=Path)
    parser.add_argument("--reference", help="method of the benchmarks")
    parser.add_argument("--cycle-reference", help="cycling run")
    arguments = parser.parse_args()
    for name, rows in rows_of(arguments.run).items():
        of_cycles = name == CYCLES
        reference = arguments.cycle_reference if of_cycles else arguments.reference
        print(f"## {name}\n\n{show(rows, reference)}")


def rows_of(run: Path) -> dict[str, pd.DataFrame]:
    """Scores by date of every benchmark and of the cycles, as far as they are tabulated."""
    report = run / "report"
    files = {
        path.stem.removesuffix("_rows"): path
        for path in sorted((report / "benchmark").glob("*_rows.csv"))
    }
    if (report / "cycle_scores.csv").exists():
        files[CYCLES] = report / "cycle_scores.csv"
    found = {name: tabulated(pd.read_csv(path)) for name, path in files.items()}
    if (report / "cycle_costs.csv").exists():
        costs = pd.read_csv(report / "cycle_costs.csv")
        found[CYCLES] = pd.concat([found[CYCLES], _cost_rows(found[CYCLES], costs)])
    return found


def _cost_rows(rows: pd.DataFrame, costs: pd.DataFrame) -> pd.DataFrame:
    """What a cycle has cost as scores of its analysis: CPU seconds and MB, at every date alike."""
    analyses = rows.loc[rows["product"] == "analysis", ["date", "method", "product"]]
    known = costs.dropna(subset="cpu_seconds").set_index("method")
    dated = analyses.drop_duplicates().query("method in @known.index").assign(variable="state")
    of = known.loc[dated["method"]]
    seconds = dated.assign(score="cpu_seconds", value=of["cpu_seconds"].to_numpy())
    megabytes = dated.assign(score="megabytes", value=of["peak_bytes"].to_numpy() / 1e6)
    return pd.concat([seconds, megabytes])[list(rows.columns)]


def keep(run: Path, part: str, folder: Path) -> None:
    """Keep the scores of a run and the tables made of them; cycles are named after the part."""
    for name, rows in rows_of(run).items():
        kept = part if name == CYCLES else name
        write_scores(folder, kept, rows)
        write_result(folder, kept, result(rows))


def tabulated(rows: pd.DataFrame) -> pd.DataFrame:
    """The scores that a table shows, or that one needs."""
    needed = {*ERRORS, *REST, *((variable, "spread") for variable in VARIABLES)}
    pairs = zip(rows["variable"], rows["score"], strict=True)
    chosen: pd.DataFrame = rows[[pair in needed for pair in pairs]]
    return chosen


def counted(rows: pd.DataFrame) -> pd.DataFrame:
    """All dates of single analyses, the later ones of cycles, where the start is forgotten."""
    if "background" not in set(rows["product"]):  # what is cycled has backgrounds of its own
        return rows
    dates = sorted(rows.loc[rows["product"] == "analysis", "date"].unique())
    later: pd.DataFrame = rows[rows["date"] >= dates[len(dates) // 2]]
    return later


def result(rows: pd.DataFrame, reference: str | None = None) -> pd.DataFrame:
    """Mean of every score of every method, and its gain over the reference."""
    rows = over_seeds(rows)
    methods = set(rows["method"])
    reference = reference or next(name for name in REFERENCES if name in methods)
    return without_intervals(summarised(counted(rows), reference), COSTS)


def without_intervals(summary: pd.DataFrame, scores: Iterable[str]) -> pd.DataFrame:
    """A summary whose gains in some scores are told without what dates say of them."""
    table, chosen = summary.copy(), summary["score"].isin(list(scores))
    table.loc[chosen, [name for name in _OF_DATES if name in table]] = None
    return table


def over_seeds(rows: pd.DataFrame) -> pd.DataFrame:
    """Runs that only their seed tells apart ("letkf_40", "letkf_40_seed_1", ...) as one method.

    The score of a date is the mean of theirs. They see the same weather from other stations, with
    other errors and other first members.

    Raises:
        InputError: a score of a date is there for some of the seeds and not for all.
    """
    named = rows.assign(method=rows["method"].str.replace(_SEED, "", regex=True))
    keys = [name for name in rows.columns if name != "value"]
    found = named.groupby(keys, sort=False)["value"].agg(["mean", "size"]).reset_index()
    sizes = found.groupby("method")["size"]
    if uneven := sorted(sizes.min().index[sizes.min() < sizes.max()]):
        message = (
            f"expected the same scores and dates of every seed of {', '.join(uneven)}: let the "
            "cycles of all seeds end, or leave the others out of align-da verify"
        )
        raise InputError(message)
    return found.drop(columns="size").rename(columns={"mean": "value"})


def show(rows: pd.DataFrame, reference: str | None = None) -> str:
    """The errors of every product, and its other scores, with the gain over the reference."""
    return tables(result(rows, reference))


def tables(summary: pd.DataFrame) -> str:
    """Two tables of every product of a summary, with the dates behind their intervals."""
    found = []
    for product, columns in itertools.product(dict.fromkeys(summary["product"]), (ERRORS, REST)):
        table = to_markdown(side_by_side(summary, product, columns))
        places = summary[["product", "variable", "score"]].itertuples(index=False, name=None)
        shown = summary[[place in {(product, *pair) for pair in columns} for place in places]]
        found.append(f"### {product}\n\n{with_dates(table, shown)}")
    return "\n".join(found)


def side_by_side(
    summary: pd.DataFrame, product: str, columns: tuple[tuple[str, str], ...]
) -> pd.DataFrame:
    """The scores that a product has, a row a method and a column a variable and score."""
    found: dict[str, pd.Series] = {}
    for variable, score in columns:
        by_method = readable_table(summary, score, product).set_index("variable").T
        if variable in by_method:
            found[f"{SCORES[score].label} {variable}".removesuffix(" state")] = by_method[variable]
    return pd.DataFrame(found).rename_axis("method").reset_index()


if __name__ == "__main__":
    main()
