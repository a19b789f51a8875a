"""Scores of `align-da downscale` as Markdown.

Usage: python -m experiments.downscaling.tables RUN_FOLDER NAME ...
"""

import sys
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from align_da.config import Config, load_config
from align_da.keys import Purpose, key_for
from align_da.runs.run import bootstrap_of
from align_da.verification.score_table import spread_skill_ratios, summarise_scores
from align_da.verification.table_format import format_cell, to_markdown

VARIABLES = ("u", "T", "q", "p_s")
PRODUCTS = ("grid", "stations")
PAIRS = (  # of a method and what it is compared with
    ("reference, both", "latent_three_d_var, both"),
    ("reference, both", "optimal_interpolation, both"),
    ("reference, both", "static, both"),
    ("reference, both", "reference, stations"),
    ("reference, both", "reference, map"),
    ("reference, none", "corrected"),
    ("latent_three_d_var, both", "optimal_interpolation, both"),
)


def print_tables(folder: Path, names: Sequence[str], config: Path) -> None:
    """Means of every method of some calls, and paired differences of some methods."""
    files = [folder / "report" / "downscaling" / f"{name}_rows.csv" for name in names]
    rows = pd.concat([pd.read_csv(file) for file in files])
    rows["value"] = rows["value"].astype(float)
    # Every call scores what needs no method.
    rows = rows.drop_duplicates(["date", "method", "product", "variable", "score"])
    for product in PRODUCTS:
        for score in ("rmse", "crps"):
            print(f"\n### {score.upper()}, {product}\n")
            print(to_markdown(means(rows, product, score)))
        print(f"\n### Spread over error, {product}\n")
        print(to_markdown(ratios(rows, product)))
    for score in ("rmse", "crps"):
        print(f"\n### Less {score.upper()} in %, with 95 % intervals\n")
        print(to_markdown(pd.DataFrame(comparisons(rows, score, load_config(config)))))


def means(rows: pd.DataFrame, product: str, score: str) -> pd.DataFrame:
    """Mean over the dates, a row a method."""
    chosen = rows[(rows["product"] == product) & (rows["score"] == score)]
    table = chosen.pivot_table(index="method", columns="variable", values="value", sort=False)
    return table[list(VARIABLES)].map(format_cell).reset_index()


def ratios(rows: pd.DataFrame, product: str) -> pd.DataFrame:
    """Spread over error, a row a method that has a spread."""
    found = spread_skill_ratios(rows)
    chosen = found[found["product"] == product]
    table = chosen.pivot_table(index="method", columns="variable", values="mean", sort=False)
    return table[list(VARIABLES)].map("{:.2f}".format).reset_index()


def comparisons(rows: pd.DataFrame, score: str, config: Config) -> Iterator[dict[str, str]]:
    """How much less error the first of each pair has, paired by date."""
    key = key_for(config.seed, Purpose.VERIFICATION)
    chosen = rows[(rows["score"] == score) & rows["variable"].isin(VARIABLES)]
    for new, old in PAIRS:
        pair = chosen[chosen["method"].isin([new, old])]
        summary = summarise_scores(pair, old, bootstrap_of(config), key)
        found = summary[summary["method"] == new].to_dict("records")
        gains = {(gain["product"], gain["variable"]): gain for gain in found}
        for product in PRODUCTS:
            row = {"": new, "against": old, "at": product}
            yield row | {name: _interval(gains[product, name]) for name in VARIABLES}


def _interval(gain: Mapping[Hashable, Any]) -> str:
    """The gain in percent, with a star where its interval excludes zero."""
    low, high = gain["improvement_low"], gain["improvement_high"]
    star = "" if low <= 0 <= high else " *"
    return f"{100 * gain['improvement']:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]{star}"


if __name__ == "__main__":
    print_tables(Path(sys.argv[1]), sys.argv[2:], Path(__file__).with_name("config.toml"))
