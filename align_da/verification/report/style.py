"""How every chart of the page looks, and what it can do: the palette of the figures, calm axes.

Tools are the same everywhere: drag a box to see it larger, pan, turn the wheel once that is
chosen, go back, save. None is chosen at first, so that a finger on a chart moves the page; where
there is a mouse the page chooses the box. A run has one colour and one dash in all charts.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from bokeh.models import (
    BoxZoomTool,
    HoverTool,
    Legend,
    LegendItem,
    PanTool,
    ResetTool,
    SaveTool,
    WheelZoomTool,
)
from bokeh.models.renderers import GlyphRenderer
from bokeh.plotting import figure

from align_da.verification.figure_style import GRID, INK, colour_of

QUIET = "#55606D"
"""Of ticks and labels: 6 to 1 against the page."""
_FONT = "system-ui, sans-serif"
_DASHES = ("solid", "dashed", "dashdot", "dotdash")  # a second round of colours has the next one
_LEGEND, _LETTER, _SAMPLE = 330, 6.8, 34  # pixels: what a telephone has room for, and an entry


def new_panel(title: str, height: int = 320, **options: object) -> figure:
    """An empty chart as wide as its place.

    Args:
        title: above it.
        height: pixels.
        options: of `bokeh.plotting.figure`: ranges and kinds of axes.
    """
    tools = [BoxZoomTool(), PanTool(), WheelZoomTool(), ResetTool(), SaveTool()]
    panel = figure(title=title, height=height, sizing_mode="stretch_width", tools=tools, **options)
    panel.min_width = 240
    panel.toolbar.logo = panel.toolbar.active_drag = None
    panel.toolbar.autohide = True
    panel.outline_line_color = None
    panel.title.text_font = _FONT
    panel.title.text_font_size = "13px"
    panel.title.text_color = INK
    for axis in panel.axis:
        axis.axis_label_text_font = axis.major_label_text_font = _FONT
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_font_size = axis.major_label_text_font_size = "12px"
        axis.axis_label_text_color = axis.major_label_text_color = QUIET
        axis.axis_line_color = axis.major_tick_line_color = axis.minor_tick_line_color = GRID
    panel.grid.grid_line_color = GRID
    return panel


def look_of(run: str, runs: Sequence[str]) -> dict[str, Any]:
    """Colour and dash of the lines of a run."""
    turn = [other for other in runs if other != "truth"].index(run) if run != "truth" else 0
    rounds = len({colour_of(other, runs) for other in runs if other != "truth"})
    return {
        "line_color": colour_of(run, runs),
        "line_dash": _DASHES[turn // max(rounds, 1) % len(_DASHES)],
    }


def add_legend(panel: figure, items: dict[str, list[GlyphRenderer]]) -> None:
    """A legend above the chart; a click on a name hides what belongs to it."""
    entry = _SAMPLE + _LETTER * max(len(name) for name in items)
    legend = Legend(
        items=[LegendItem(label=name, renderers=shown) for name, shown in items.items()],
        orientation="horizontal",
        ncols=int(np.clip(_LEGEND // entry, 1, len(items))),
        location="left",
        click_policy="hide",
        border_line_color=None,
        padding=0,
        margin=4,
        label_text_font=_FONT,
        label_text_font_size="12px",
        label_text_color=INK,
    )
    panel.add_layout(legend, "above")


def add_hover(
    panel: figure,
    renderers: Sequence[GlyphRenderer],
    tooltips: Sequence[tuple[str, str]],
    **options: object,
) -> None:
    """What is told of the points of some renderers.

    Args:
        panel: the chart.
        renderers: of the points.
        tooltips: what a value is, and the value as Bokeh writes it.
        options: of `HoverTool`.
    """
    told = "".join(  # the blue that Bokeh has for names is too pale on white
        f'<div><span style="color: {QUIET}">{name}</span> {value}</div>'
        for name, value in tooltips
    )
    panel.add_tools(HoverTool(renderers=list(renderers), tooltips=told, **options))
