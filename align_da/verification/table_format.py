"""Tables as text: Markdown, CSV, and one score side by side for the methods."""

import math
from collections.abc import Hashable, Mapping

import pandas as pd


def to_markdown(table: pd.DataFrame) -> str:
    """A data frame as a Markdown table, numbers with four significant digits."""
    cells = [[str(name) for name in table.columns], ["---"] * table.shape[1]]
    cells += [[format_cell(value) for value in row] for row in table.itertuples(index=False)]
    return "\n".join("| " + " | ".join(row) + " |" for row in cells) + "\n"


def to_csv(table: pd.DataFrame) -> str:
    """A data frame as CSV, full precision, ISO dates."""
    return str(table.to_csv(index=False, lineterminator="\n"))


def readable_table(summary: pd.DataFrame, score: str, product: str) -> pd.DataFrame:
    """One score of one product for people: a row a variable, a column a method.

    Returns:
        Cells "mean", and for the methods that differ from the reference "mean (+12 %)" with a
        star where the interval excludes zero.
    """
    chosen = summary[(summary["score"] == score) & (summary["product"] == product)]
    cells = chosen.assign(text=[_cell(row) for row in chosen.to_dict("records")])
    order = list(dict.fromkeys(chosen["variable"])), list(dict.fromkeys(chosen["method"]))
    wide = cells.pivot(index="variable", columns="method", values="text")
    ordered = wide.reindex(index=order[0], columns=order[1])
    return pd.DataFrame(ordered.rename_axis(columns=None).reset_index())


def told_dates(gains: pd.DataFrame) -> str:
    """How many dates stand behind intervals, and what they are worth, as a sentence.

    Args:
        gains: rows of a summary; empty text if none has an interval.
    """
    if "effective_dates" not in gains or gains["effective_dates"].isna().all():
        return ""
    compared = gains.dropna(subset="effective_dates")
    dates, worth, length = (
        _range_of(compared[name]) for name in ("dates", "effective_dates", "block_length")
    )
    return f"Intervals of {dates} dates, worth {worth} independent ones, in blocks of {length}."


def _range_of(values: pd.Series) -> str:
    """The lowest and the highest of some numbers, whole."""
    low, high = round(values.min()), round(values.max())
    return str(low) if low == high else f"{low} to {high}"


def format_cell(value: object) -> str:
    """Text of one cell: four significant digits, a dash where there is nothing."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "—"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _cell(row: Mapping[Hashable, object]) -> str:
    """Mean, and the improvement if there is one."""
    text, gain = format_cell(row["mean"]), row.get("improvement")
    if not isinstance(gain, float) or not math.isfinite(gain) or row["verdict"] == "reference":
        return text
    star = " *" if row["verdict"] in ("better", "worse") else ""
    return f"{text} ({100 * gain:+.1f} %{star})"
