"""Print the score tables of a finished run as Markdown, a row a method.

Single analyses are compared over all dates, cycles over their second half, where the start is
forgotten. Brackets hold the improvement over the reference; a star marks one whose interval
excludes zero.
"""

import argparse
from pathlib import Path

import pandas as pd

from align_da.config import Config, load_config
from align_da.keys import Purpose, key_for
from align_da.runs.run import bootstrap_of
from align_da.verification.score_table import SCORES, summarise_scores
from align_da.verification.table_format import readable_table, to_markdown

VARIABLES = ("u", "v", "T", "q", "p_s")
ERRORS = tuple((variable, "rmse") for variable in VARIABLES)
REST = (
    ("u", "crps"),
    ("T", "crps"),
    ("u", "spread_skill"),
    ("T", "spread_skill"),
    ("state", "geostrophic"),
    ("state", "chi_square"),
    ("state", "seconds"),
    ("state", "megabytes"),
    ("u", "forecast_rmse"),
    ("T", "forecast_rmse"),
)


def main() -> None:
    """Two tables for every product of every benchmark and of the cycles."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="?", default="runs/embedded_world", type=Path)
    parser.add_argument("--reference", default="background", help="method of the benchmarks")
    parser.add_argument("--cycle-reference", default="free_run", help="cycling run")
    arguments = parser.parse_args()
    report = arguments.run / "report"
    config = load_config(Path(__file__).with_name("config.toml"))
    for path in sorted((report / "benchmark").glob("*_rows.csv")):
        name = path.stem.removesuffix("_rows")
        print_tables(config, name, pd.read_csv(path), arguments.reference)
    rows = pd.read_csv(report / "cycle_scores.csv")
    dates = sorted(rows.loc[rows["product"] == "analysis", "date"].unique())
    later = rows[rows["date"] >= dates[len(dates) // 2]]
    print_tables(config, "cycles", later, arguments.cycle_reference)


def print_tables(config: Config, name: str, rows: pd.DataFrame, reference: str) -> None:
    """The errors of every product, and its other scores, with the gain over a reference."""
    key = key_for(config.seed, Purpose.VERIFICATION)
    summary = summarise_scores(rows, reference, bootstrap_of(config), key)
    for product in dict.fromkeys(rows["product"]):
        for columns in (ERRORS, REST):
            print(f"\n### {name}, {product}\n")
            print(to_markdown(side_by_side(summary, product, columns)))


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
