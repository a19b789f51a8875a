"""Scores of `align-da downscale` as Markdown, from scores by date."""

import itertools
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from align_da.config import load_config
from align_da.verification.score_table import spread_skill_ratios
from align_da.verification.table_format import format_cell, to_markdown
from experiments.results import only
from experiments.score_tables import summarised, with_dates

CONFIG = Path(__file__).with_name("config.toml")
SCORES = ("rmse", "crps")
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


def read_rows(folder: Path, names: Sequence[str]) -> pd.DataFrame:
    """The scores of some calls, of the variables that are shown."""
    files = [folder / "report" / "downscaling" / f"{name}_rows.csv" for name in names]
    rows = pd.concat([pd.read_csv(file) for file in files])
    rows["value"] = rows["value"].astype(float)
    # Every call scores what needs no method.
    rows = rows.drop_duplicates(["date", "method", "product", "variable", "score"])
    return only(rows, variable=VARIABLES, product=PRODUCTS)


def result(rows: pd.DataFrame) -> pd.DataFrame:
    """Means of every method, and what each of `PAIRS` gains."""
    keys = ["method", "product", "variable", "score"]
    means = rows.groupby(keys, sort=False)["value"].mean().rename("mean").reset_index()
    ratios = spread_skill_ratios(rows)
    gains = [gain.assign(against=old) for (_, old), gain in _gains(rows).items()]
    return pd.concat([means, ratios, *gains], ignore_index=True)


def show(rows: pd.DataFrame) -> str:
    """Means of every method, and paired differences of some methods."""
    tables = {
        f"{score.upper()}, {product}": means(rows, product, score)
        for product, score in itertools.product(PRODUCTS, SCORES)
    }
    tables |= {f"Spread over error, {product}": ratios(rows, product) for product in PRODUCTS}
    parts = [f"### {title}\n\n{to_markdown(table)}" for title, table in tables.items()]
    behind = pd.concat(_gains(rows).values())
    for score in SCORES:
        gains = to_markdown(pd.DataFrame(comparisons(rows, score)))
        told = with_dates(gains, behind[behind["score"] == score])
        parts.append(f"### Less {score.upper()} in %, with 95 % intervals\n\n{told}")
    return "\n".join(parts)


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


def comparisons(rows: pd.DataFrame, score: str) -> Iterator[dict[str, str]]:
    """How much less error the first of each pair has, paired by date."""
    for (new, old), gain in _gains(rows).items():
        found = gain[gain["score"] == score].to_dict("records")
        gains = {(one["product"], one["variable"]): one for one in found}
        for product in PRODUCTS:
            row = {"": new, "against": old, "at": product}
            yield row | {name: _interval(gains[product, name]) for name in VARIABLES}


def _gains(rows: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    """The summary of the first method of each pair against the second."""
    config, found = load_config(CONFIG), {}
    for new, old in PAIRS:
        summary = summarised(only(rows, method=[new, old], score=SCORES), old, config)
        found[new, old] = summary[summary["method"] == new]
    return found


def _interval(gain: Mapping[Hashable, Any]) -> str:
    """The gain in percent, with a star where its interval excludes zero."""
    low, high = gain["improvement_low"], gain["improvement_high"]
    star = "" if low <= 0 <= high else " *"
    return f"{100 * gain['improvement']:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]{star}"
