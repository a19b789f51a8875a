"""Scores by date as the tables of the READMEs: a row a method, with the gain over one of them."""

import pandas as pd

from align_da.config import Config, load_config
from align_da.keys import Purpose, key_for
from align_da.runs.run import bootstrap_of
from align_da.verification.score_table import summarise_scores
from align_da.verification.table_format import readable_table, to_markdown, told_dates
from experiments.options import CONFIG


def summarised(rows: pd.DataFrame, reference: str, config: Config | None = None) -> pd.DataFrame:
    """Mean of every score, and the gain over `reference`, see `summarise_scores`.

    Args:
        rows: tidy scores by date.
        reference: a method.
        config: seed and [verification]; those of the embedded world if None.
    """
    config = config or load_config(CONFIG)
    key = key_for(config.seed, Purpose.VERIFICATION)
    return summarise_scores(rows, reference, bootstrap_of(config), key)


def by_method(summary: pd.DataFrame, score: str, product: str) -> str:
    """A score of a product as Markdown: a row a method, a column a variable."""
    wide = readable_table(summary, score, product).set_index("variable").T
    shown = summary[(summary["score"] == score) & (summary["product"] == product)]
    return with_dates(to_markdown(wide.rename_axis("method").reset_index()), shown)


def with_dates(table: str, gains: pd.DataFrame) -> str:
    """A table as Markdown with the dates behind its intervals below it."""
    told = told_dates(gains)
    return f"{table}\n{told}\n" if told else table


def to_thousandths(table: pd.DataFrame, labels: int) -> str:
    """A table as Markdown, its numbers with three decimals after so many columns of labels."""
    numbers = list(table.columns[labels:])
    return to_markdown(table.assign(**table[numbers].map("{:.3f}".format)))
