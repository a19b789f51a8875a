"""Training and validation loss of the networks against the step."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from align_da.verification.figure_style import PALETTE, common_style, legend_below, new_figure

_FEW_POINTS = 40


@common_style()
def loss_curves(histories: Mapping[str, pd.DataFrame]) -> Figure:
    """One panel a network, one line a column.

    Args:
        histories: by name of the network, a table with a column `step` and one column a curve
            (for example training and validation); nan where a curve has no value.
    """
    figure, axes = new_figure(4.2 * len(histories), 3.2, columns=len(histories))
    curves = list(dict.fromkeys(c for t in histories.values() for c in t.columns if c != "step"))
    for panel, (name, table) in zip(axes, histories.items(), strict=True):
        for colour, curve in zip(PALETTE, curves, strict=False):
            if curve in table:
                _draw_curve(panel, table[["step", curve]].dropna(), colour)
        panel.set(title=name, xlabel="step")
    axes[0].set_ylabel("loss")
    for colour, curve in zip(PALETTE, curves, strict=False):
        axes[0].plot([], [], color=colour, label=curve)
    legend_below(figure, axes[0])
    return figure


def _draw_curve(panel: Axes, points: pd.DataFrame, colour: str) -> None:
    """One line, with markers where it has few points; logarithmic as long as it is positive."""
    step, loss = points.to_numpy(float).T
    marker = "o" if len(step) < _FEW_POINTS else ""
    panel.plot(step, loss, color=colour, marker=marker, markersize=3)
    if (loss > 0).all() and not panel.lines[:-1]:
        panel.set_yscale("log")
    if (loss <= 0).any():
        panel.set_yscale("linear")
