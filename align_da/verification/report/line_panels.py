"""Linked lines of some cycles on a grid of one row: states, errors and increment, spread.

Points are numbered from 0 along the row. Stations lie between the points where they are, at their
innovation.
"""

from collections.abc import Mapping

import numpy as np
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure

from align_da.atmosphere import Grid
from align_da.verification.figure_style import INK, PALETTE, TRUTH_COLOUR, axis_units
from align_da.verification.report.choices import Key, Leaf, selects_for
from align_da.verification.report.map_panels import MappedCycle
from align_da.verification.report.page import Chart
from align_da.verification.report.style import add_hover, add_legend, new_panel

_BACKGROUND, _ANALYSIS, _INCREMENT = PALETTE[:3]
_STATIONS = "innovations at stations"
_PANELS = {
    "States": {"truth": TRUTH_COLOUR, "background": _BACKGROUND, "analysis": _ANALYSIS},
    "Increment and errors": {
        "increment": _INCREMENT,
        "background error": _BACKGROUND,
        "analysis error": _ANALYSIS,
    },
    "Spread": {"background spread": _BACKGROUND, "analysis spread": _ANALYSIS},
}


def line_chart(cases: Mapping[Key, MappedCycle], grid: Grid, step: int) -> Chart:
    """Three panels along the row.

    Args:
        cases: by run, valid time, variable and level, in words; at least one.
        grid: of the states, of one row.
        step: every so many of its points is in the cases.
    """
    source = ColumnDataSource({"point": np.arange(0, grid.shape[1], step)})
    stations = ColumnDataSource()
    panels: list[figure] = []
    for title, colours in _PANELS.items():
        linked = {"x_range": panels[0].x_range} if panels else {}
        panel = new_panel(title, **linked)
        panel.xaxis.axis_label = "index of the point"
        _add_lines(panel, source, colours, stations if "increment" in colours else None)
        panels.append(panel)
    leaves = {key: _leaf(case, grid) for key, case in cases.items()}
    titles = ["Run", "Valid time", "Variable", "Level"]
    axes = [panel.yaxis[0] for panel in panels]
    selects = selects_for(titles, leaves, [source, stations], axes)
    caption = (
        "Along the row of the grid, means of the members, SI units. A click on a name hides its "
        "line. Rings are stations."
    )
    return Chart("Some cycles", caption, selects, panels)


def _add_lines(
    panel: figure,
    source: ColumnDataSource,
    colours: Mapping[str, str],
    stations: ColumnDataSource | None,
) -> None:
    """Lines through the points, and rings at the innovations of stations if there are some."""
    shown = {
        name: [
            panel.line("point", name, source=source, line_width=1.8, line_color=colour),
            panel.scatter("point", name, source=source, size=4, color=colour),
        ]
        for name, colour in colours.items()
    }
    told = [(name, f"@{{{name}}}{{0.000 a}}") for name in colours]
    add_hover(panel, [dots for _, dots in shown.values()], [("point", "@point"), *told])
    if stations is not None:
        rings = panel.scatter(
            "point", "innovation", source=stations, size=7, line_color=INK, fill_color=None
        )
        names = ("innovation", "residual", "error")
        readings = [(name, f"@{name}{{0.000 a}}") for name in names]
        add_hover(panel, [rings], [("flag", "@flag"), *readings])
        shown[_STATIONS] = [rings]
    add_legend(panel, shown)


def _leaf(case: MappedCycle, grid: Grid) -> Leaf:
    """What one choice shows, lines in single precision."""
    lines = {name: field[0].astype(np.float32) for name, field in case.fields.items()}
    place = grid.degrees_east(case.stations["longitude"]) / grid.longitude_step
    told = {
        name: case.stations[name].astype(np.float32)
        for name in ("innovation", "residual", "error")
    }
    rings = {"point": place.astype(np.float32), "flag": case.stations["flag"].tolist(), **told}
    return Leaf([lines, rings], axis_units(case.units))
