"""Print the score tables of a finished run as Markdown.

Single analyses are compared over all dates, cycles over their second half, where the start is
forgotten. A star marks an improvement whose interval excludes zero.
"""

import argparse
from pathlib import Path

import pandas as pd

from align_da.config import Config, load_config
from align_da.keys import Purpose, key_for
from align_da.verification.score_table import SCORES, summarise_scores
from align_da.verification.table_format import readable_table, to_markdown

SHOWN = ("rmse", "crps", "spread_skill", "geostrophic", "chi_square", "forecast_rmse")


def main() -> None:
    """One table for every product and score of every benchmark and of the cycles."""
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
    """Every score of every product, with the improvement over a reference."""
    key = key_for(config.seed, Purpose.VERIFICATION)
    summary = summarise_scores(rows, reference, config.verification, key)
    for product in dict.fromkeys(rows["product"]):
        found = set(summary.loc[summary["product"] == product, "score"])
        for score in SHOWN:
            if score in found:
                print(f"\n### {name}, {product}: {SCORES[score].label}\n")
                print(to_markdown(readable_table(summary, score, product)))


if __name__ == "__main__":
    main()
