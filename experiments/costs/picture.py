"""Curves of cost on logarithmic axes: a panel a factor, a line a program."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes

from align_da.verification.figure_style import PALETTE, STYLE, colour_of, new_figure, to_png
from experiments.costs.measurements import Curve

PANELS = {
    "points": "Points of the grid",
    "channels": "Channels",
    "observations": "Observations",
    "members": "Members",
    "cases": "Cases of a batch",
    "workers": "Workers",
}


_LINES = ("-", "--", ":")


@mpl.rc_context(STYLE)
def draw(curves: Mapping[tuple[str, str], Curve], target: Path) -> None:
    """Draw seconds against every factor."""
    names = list(dict.fromkeys(curve.program for curve in curves.values()))
    figure, axes = new_figure(9.0, 6.6, rows=2, columns=3)
    for panel, (factor, title) in zip(axes, PANELS.items(), strict=True):
        _draw(panel, [curve for curve in curves.values() if curve.factor == factor], names)
        panel.set_title(title)
    axes[0].set_ylabel("Seconds")
    axes[3].set_ylabel("Seconds")
    drawn = {str(line.get_label()): line for panel in axes for line in panel.lines}
    figure.legend(
        handles=list(drawn.values()),
        loc="outside lower center",
        ncols=4,
        fontsize="small",
        handlelength=3,  # room for dashes
    )
    target.write_bytes(to_png(figure))


def _draw(panel: Axes, curves: Sequence[Curve], names: Sequence[str]) -> None:
    """The curves of one factor, with ticks where it was measured."""
    for curve in curves:
        panel.plot(
            curve.points["value"],
            curve.points["seconds"],
            marker="o",
            markersize=3,
            linestyle=_LINES[names.index(curve.program) // len(PALETTE) % len(_LINES)],
            color=colour_of(curve.program, names),
            label=curve.program,
        )
    panel.set(xscale="log", yscale="log")
    panel.minorticks_off()
    values = sorted({value for curve in curves for value in curve.points["value"]})
    panel.set_xticks(values, [f"{value:g}" for value in values], fontsize="x-small")
