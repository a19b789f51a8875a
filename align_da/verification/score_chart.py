"""Improvement over the reference with its interval, variable by variable."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from align_da.verification.figure_style import (
    MUTED,
    colour_of,
    common_style,
    legend_below,
    new_figure,
)
from align_da.verification.score_table import SCORES

_SPREAD_OF_METHODS = 0.7  # of the distance between two variables


@common_style()
def improvement_chart(summary: pd.DataFrame, score: str, product: str) -> Figure:
    """Points with 95 % intervals; filled where the interval excludes zero.

    Args:
        summary: of `summarise_scores`.
        score: a score where low is better.
        product: "analysis", "background" or a forecast.
    """
    chosen = summary[(summary["score"] == score) & (summary["product"] == product)]
    everyone = list(dict.fromkeys(chosen["method"]))
    reference = "".join(chosen.loc[chosen["verdict"] == "reference", "method"].unique())
    compared = [name for name in everyone if name != reference]
    labels = list(dict.fromkeys(chosen["variable"]))
    figure, (panel,) = new_figure(8.4, 1.6 + len(labels) * max(0.35, 0.16 * len(compared)))
    for index, method in enumerate(compared):
        own = chosen[chosen["method"] == method].set_index("variable").reindex(labels)
        shift = _SPREAD_OF_METHODS * ((index + 0.5) / len(compared) - 0.5)
        _draw_method(panel, own, np.arange(len(labels)) + shift, colour_of(method, everyone))
        panel.scatter([], [], s=30, color=colour_of(method, everyone), label=method)
    _frame(panel, labels, f"{SCORES[score].label} of the {product} against {reference}")
    legend_below(figure, panel)
    return figure


def _draw_method(panel: Axes, rows: pd.DataFrame, places: np.ndarray, colour: str) -> None:
    """Interval and point of each variable."""
    bounded = np.isfinite(rows["improvement_low"].to_numpy(float))
    low = np.where(bounded, rows["improvement_low"], rows["improvement"]).astype(float)
    high = np.where(bounded, rows["improvement_high"], rows["improvement"]).astype(float)
    panel.hlines(places, low, high, color=colour, linewidth=2)
    certain = rows["verdict"].isin(["better", "worse"])
    fill = [colour if sure else "white" for sure in certain]
    panel.scatter(rows["improvement"], places, s=34, c=fill, edgecolors=colour, lw=1.6, zorder=3)


def _frame(panel: Axes, labels: list[str], title: str) -> None:
    """Variables from the top down, per cent along the bottom."""
    panel.axvline(0, color=MUTED, linewidth=1)
    panel.set_yticks(range(len(labels)), labels)
    panel.set_ylim(len(labels) - 0.5, -0.5)
    panel.grid(visible=False, axis="y")
    panel.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
    panel.set_xlabel("improvement, 1 − new / reference (right is better; filled: significant)")
    panel.set_title(title)
