"""Scores of all runs: over the cycles, by level, by place and by lead.

A run is a column of the source of a chart and has its name there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from bokeh.models import ColumnDataSource, FactorRange
from bokeh.models.renderers import GlyphRenderer
from bokeh.plotting import figure

from align_da.verification.error_places import DISTANCES, REGIONS
from align_da.verification.figure_style import with_axis_units
from align_da.verification.report.choices import Key, Leaf, selects_for
from align_da.verification.report.page import Chart
from align_da.verification.report.style import add_hover, add_legend, look_of, new_panel
from align_da.verification.score_table import SCORES

_VALUES_OF_SERIES = 900_000  # of four bytes, a third more in the page, as text: 5 MB
_PLACES = {
    "region": ("region", ""),
    "latitude": ("latitude", "degrees north"),
    "distance": ("distance to an observation", "km"),
}


@dataclass(frozen=True)
class ShownField:
    """A field as the reader chooses it.

    Attributes:
        label: of the field in tables of scores.
        variable: its symbol.
        level: where, in words.
        units: SI unit.
    """

    label: str
    variable: str
    level: str
    units: str


def series_chart(rows: pd.DataFrame, fields: Sequence[ShownField], runs: Sequence[str]) -> Chart:
    """Every score over the cycles, a line a run.

    Args:
        rows: tidy rows of `score_table`, of products that every valid time has.
        fields: what can be chosen, in order; scores without a row are left out.
        runs: names, in order.
    """
    dates, every = _dates_shown(rows)
    kept = rows[rows["date"].isin(dates)]
    leaves: dict[Key, Leaf] = {}
    for key, field, label, own in _chosen(kept, fields):
        leaves[key] = Leaf(
            [_by_run(own, "date", dates, runs)], with_axis_units(label, field.units, ", ")
        )
    source = ColumnDataSource({"date": dates.to_numpy()})
    panel = new_panel("", x_axis_type="datetime")
    lines = {
        run: panel.line("date", run, source=source, name=run, line_width=1.8, **look_of(run, runs))
        for run in runs
    }
    add_legend(panel, {run: [line] for run, line in lines.items()})
    add_hover(
        panel,
        list(lines.values()),
        [("run", "$name"), ("valid time", "@date{%F %H:%M}"), ("score", "@$name{0.0000 a}")],
        formatters={"@date": "datetime"},
    )
    titles = ["Product", "Variable", "Level", "Score"]
    thinned = "" if every == 1 else f" One date in {every} is shown."
    caption = f"Scores of every valid time, SI units.{thinned} A click on a name hides its line."
    selects = selects_for(titles, leaves, [source], panel.yaxis)
    return Chart("Over the cycles", caption, selects, [panel])


def profile_chart(rows: pd.DataFrame, fields: Sequence[ShownField], runs: Sequence[str]) -> Chart:
    """Scores by level, from the top down, means over the dates.

    Args:
        rows: tidy rows of fields on single levels.
        fields: the same fields, from the top; at least one.
        runs: names, in order.
    """
    levels = list(dict.fromkeys(field.level for field in fields))
    variables = {field.variable: field.units for field in fields}
    place = {field.label: (field.variable, field.level) for field in fields}
    means = rows.groupby(["product", "variable", "score", "method"], sort=False)["value"].mean()
    table = means.reset_index()
    table[["symbol", "level"]] = [place[label] for label in table["variable"]]
    leaves: dict[Key, Leaf] = {}
    for key, own in table.groupby(["product", "symbol", "score"], sort=False):
        product, symbol, score = map(str, key)
        label = SCORES[score].label
        leaves[product, symbol, label] = Leaf(
            [_by_run(own, "level", pd.Index(levels), runs)],
            with_axis_units(label, variables[symbol], ", "),
        )
    source = ColumnDataSource({"level": levels})
    panel = new_panel("", 380, y_range=FactorRange(*reversed(levels)))
    shown = {run: _with_dots(panel, source, run, runs, y="level") for run in runs}
    add_legend(panel, shown)
    add_hover(
        panel,
        [dots for _, dots in shown.values()],
        [("run", "$name"), ("level", "@level"), ("score", "@$name{0.0000 a}")],
    )
    selects = selects_for(["Product", "Variable", "Score"], leaves, [source], panel.xaxis)
    caption = "Means over all dates, SI units; the top of the atmosphere is above."
    return Chart("By level", caption, selects, [panel])


def place_chart(places: pd.DataFrame, fields: Sequence[ShownField], runs: Sequence[str]) -> Chart:
    """Errors by region, latitude and distance to the next observation.

    Args:
        places: of `error_places`, of all runs.
        fields: what can be chosen, in order.
        runs: names, in order.
    """
    parts = {str(by): _in_order(str(by), set(own["place"])) for by, own in places.groupby("by")}
    # A grid of one row is one latitude in one region: the scores of the whole tell of it already.
    shown = {by: told for by, told in _PLACES.items() if by == "distance" or len(parts[by]) > 1}
    groups = dict(list(places.groupby(["product", "variable", "by"], sort=False)))
    leaves: dict[Key, Leaf] = {}
    for product in dict.fromkeys(places["product"]):
        for field in fields:
            own = {by: groups.get((product, field.label, by), places[:0]) for by in shown}
            for label, column in (("RMSE", "rmse"), ("spread", "spread")):
                columns = [
                    _by_run(own[by], "place", pd.Index(parts[by]), runs, column) for by in shown
                ]
                key = (product, field.variable, field.level, label)
                leaves[key] = Leaf(columns, with_axis_units(label, field.units, ", "))
    sources, panels = [], []
    for by, (title, unit) in shown.items():
        source = ColumnDataSource({"place": parts[by]})
        if by == "latitude":
            source.data["place"] = [float(place) for place in parts[by]]
        panels.append(_place_panel(by, f"By {title}", unit, source, runs))
        sources.append(source)
    selects = selects_for(
        ["Product", "Variable", "Level", "Score"],
        leaves,
        sources,
        [panel.yaxis[0] for panel in panels],
    )
    tropics = "The tropics end at 20 degrees. " if "region" in shown else ""
    caption = (
        f"Roots of mean squares over all cycles, by area, SI units. {tropics}"
        "Distances go to the next place where anything was assimilated in that cycle."
    )
    return Chart("By place", caption, selects, panels)


def lead_chart(
    rows: pd.DataFrame,
    fields: Sequence[ShownField],
    runs: Sequence[str],
    leads: Mapping[str, float],
) -> Chart:
    """Errors of forecasts by lead, against the truth and against observations.

    Args:
        rows: tidy rows of `score_table`.
        fields: what can be chosen, in order.
        runs: names, in order.
        leads: hours of every product that is shown.
    """
    chosen = rows[rows["product"].isin(leads)].assign(lead=rows["product"].map(leads))
    against = {
        "the truth": {"rmse": "RMSE", "crps": "CRPS", "bias": "bias"},
        "observations": {"departure": "RMS departure"},
    }
    leaves: dict[Key, Leaf] = {}
    hours = pd.Index(sorted(leads.values()))
    for other, scores in against.items():
        for field in fields:
            for score, label in scores.items():
                own = chosen[(chosen["variable"] == field.label) & (chosen["score"] == score)]
                if own.empty:
                    continue
                means = own.groupby(["lead", "method"])["value"].mean().reset_index()
                leaves[other, field.variable, field.level, label] = Leaf(
                    [_by_run(means, "lead", hours, runs)],
                    with_axis_units(label, field.units, ", "),
                )
    source = ColumnDataSource({"lead": hours.tolist()})
    panel = new_panel("")
    panel.xaxis.axis_label = "lead, h"
    panel.xaxis.ticker = hours.tolist()
    shown = {run: _with_dots(panel, source, run, runs, x="lead") for run in runs}
    add_legend(panel, shown)
    add_hover(
        panel,
        [dots for _, dots in shown.values()],
        [("run", "$name"), ("lead", "@lead h"), ("score", "@$name{0.0000 a}")],
    )
    titles = ["Against", "Variable", "Level", "Score"]
    selects = selects_for(titles, leaves, [source], panel.yaxis)
    caption = (
        "Means over the dates that each lead has: 0 h is the analysis, the next the background. "
        "Departures are from reports that the analysis of the valid time used or withheld; they "
        "contain the error of the observations. SI units."
    )
    return Chart("By lead", caption, selects, [panel])


def _chosen(
    rows: pd.DataFrame, fields: Sequence[ShownField]
) -> Iterator[tuple[Key, ShownField, str, pd.DataFrame]]:
    """Product, variable, level and score as the reader chooses them, with their rows."""
    groups = dict(list(rows.groupby(["product", "variable", "score"], sort=False)))
    for product in dict.fromkeys(rows["product"]):
        for field in fields:
            for score, meaning in SCORES.items():
                own = groups.get((product, field.label, score))
                if own is not None:
                    key = (product, field.variable, field.level, meaning.label)
                    yield key, field, meaning.label, own


def _dates_shown(rows: pd.DataFrame) -> tuple[pd.DatetimeIndex, int]:
    """So many dates that the page stays light, at equal steps, and the step."""
    dates = pd.DatetimeIndex(sorted(set(rows["date"])))
    every = 1 + (len(rows) - 1) // _VALUES_OF_SERIES
    return dates[::every], every


def _by_run(
    rows: pd.DataFrame, axis: str, along: pd.Index, runs: Sequence[str], column: str = "value"
) -> dict[str, np.ndarray]:
    """Values along an axis, a column a run in single precision, NaN where a run has none."""
    found = np.full((len(runs), len(along)), np.nan, np.float32)
    run = pd.Index(runs).get_indexer(pd.Index(rows["method"]))
    place = along.get_indexer(pd.Index(rows[axis]))
    shown = (run >= 0) & (place >= 0)
    found[run[shown], place[shown]] = rows[column].to_numpy()[shown]
    return dict(zip(runs, found, strict=True))


def _with_dots(
    panel: figure, source: ColumnDataSource, run: str, runs: Sequence[str], **other: str
) -> list[GlyphRenderer]:
    """A line of a run through its points; `other` says which axis is not that of the values."""
    axes = {"x": run, "y": run, **other}
    line = panel.line(**axes, source=source, name=run, line_width=1.8, **look_of(run, runs))
    colour = look_of(run, runs)["line_color"]
    return [line, panel.scatter(**axes, source=source, name=run, size=7, color=colour)]


def _in_order(by: str, there: set[str]) -> list[str]:
    """The parts that any run has, from south to north, or from near to far."""
    if by == "latitude":
        return sorted(there, key=float)
    return [it for it in (*REGIONS, *DISTANCES) if it in there]


def _place_panel(
    by: str, title: str, unit: str, source: ColumnDataSource, runs: Sequence[str]
) -> figure:
    """Runs side by side in parts of the globe."""
    ranges = {} if by == "latitude" else {"x_range": FactorRange(*source.data["place"])}
    panel = new_panel(title, 340, **ranges)
    panel.xaxis.axis_label = unit
    if by != "latitude":
        panel.xaxis.major_label_orientation = 0.6
    shown = {run: _with_dots(panel, source, run, runs, x="place") for run in runs}
    add_legend(panel, shown)
    add_hover(
        panel,
        [dots for _, dots in shown.values()],
        [("run", "$name"), (by, f"@place {unit}"), ("score", "@$name{0.0000 a}")],
    )
    return panel
