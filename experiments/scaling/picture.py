"""Curves of cost on logarithmic axes: a panel a factor, a line a program."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes

from align_da.verification.figure_style import STYLE, colour_of, new_figure, to_png
from experiments.scaling.measurements import Curve

PANELS = {
    "points": "Points of the grid",
    "channels": "Channels",
    "observations": "Observations",
    "members": "Members",
    "cases": "Cases of a batch",
    "workers": "Workers",
}


@mpl.rc_context(STYLE)
def draw(curves: Mapping[tuple[str, str], Curve], target: Path) -> None:
    """Draw seconds against every factor."""
    names = list(dict.fromkeys(curve.program for curve in curves.values()))
    figure, axes = new_figure(10.0, 6.4, rows=2, columns=3)
    for panel, (factor, title) in zip(axes, PANELS.items(), strict=True):
        _draw(panel, [curve for curve in curves.values() if curve.factor == factor], names)
        panel.set(xscale="log", yscale="log", xlabel=title, ylabel="Seconds")
        if panel.lines:
            panel.legend(fontsize=6, loc="best")
    target.write_bytes(to_png(figure))


def _draw(panel: Axes, curves: Sequence[Curve], names: Sequence[str]) -> None:
    styles = ("-", "--", ":")
    for curve in curves:
        place = names.index(curve.program)
        panel.plot(
            curve.points["value"],
            curve.points["seconds"],
            marker="o",
            markersize=3,
            linestyle=styles[place // 7 % len(styles)],
            color=colour_of(curve.program, names),
            label=curve.program,
        )
