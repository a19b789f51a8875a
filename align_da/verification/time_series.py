"""Error and spread of several methods over the cycles."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from align_da.verification.figure_style import (
    MUTED,
    colour_of,
    common_style,
    legend_below,
    new_figure,
)


@common_style()
def error_over_cycles(
    rows: pd.DataFrame, product: str, labels: Sequence[str], units: Sequence[str]
) -> Figure:
    """RMSE (solid) and comparable spread (dashed) against valid time, a panel a variable.

    Args:
        rows: tidy rows of `score_table`.
        product: "analysis" or "background".
        labels: the variables shown, one panel each.
        units: unit of each variable, as people write it.
    """
    chosen = rows[rows["product"] == product]
    methods = list(dict.fromkeys(chosen["method"]))
    columns = min(2, len(labels))
    count = -(-len(labels) // columns)
    figure, axes = new_figure(5.6 * columns, 2.7 * count + 0.6, count, columns)
    for panel in axes[len(labels) :]:
        panel.remove()
    for panel, label, unit in zip(axes, labels, units, strict=False):
        for method in methods:
            _draw_method(panel, chosen, label, method, colour_of(method, methods))
        panel.set_title(f"{label}: {product}")
        panel.set_ylabel(unit)
        panel.set_ylim(bottom=0)
        panel.yaxis.set_major_formatter("{x:.3g}")
    axes[0].plot([], [], color=MUTED, linestyle="--", linewidth=1.3, label="spread")
    legend_below(figure, axes[0])
    return figure


def _draw_method(panel: Axes, rows: pd.DataFrame, label: str, method: str, colour: str) -> None:
    """The two lines of one method."""
    own = rows[(rows["variable"] == label) & (rows["method"] == method)].sort_values("date")
    error, spread = own[own["score"] == "rmse"], own[own["score"] == "spread"]
    panel.plot(error["date"], error["value"], color=colour, label=method)
    panel.plot(spread["date"], spread["value"], color=colour, linestyle="--", linewidth=1.3)
