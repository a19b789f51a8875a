"""Whether ensembles and assumed errors are what they say: ranks, spread, spectra, departures."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from bokeh.models import ColumnDataSource, FactorRange, Span

from align_da.verification.figure_style import MUTED, colour_of, with_axis_units
from align_da.verification.report.choices import Columns, Key, Leaf, selects_for
from align_da.verification.report.page import Chart
from align_da.verification.report.style import add_hover, add_legend, look_of, new_panel

_RESOLVED = 1e-6  # of the largest power of the truth: below it there is rounding alone
_OF_DEPARTURES = {
    "desroziers_error": "estimated / assumed error",
    "chi_square": "residual chi-square",
}
Ranks = Mapping[str, Mapping[str, Mapping[str, np.ndarray]]]


def rank_chart(ranks: Ranks, runs: Sequence[str]) -> Chart:
    """Rank histograms, of all runs in one panel.

    Args:
        ranks: counts by product, variable and run; runs may have different numbers of members.
        runs: names, in order.
    """
    leaves: dict[Key, Leaf] = {
        (product, variable): Leaf(
            [_frequencies(counts.get(run)) for run in runs], "frequency over that of a flat one"
        )
        for product, of_product in ranks.items()
        for variable, counts in of_product.items()
    }
    sources = [ColumnDataSource() for _ in runs]
    panel = new_panel("")
    shown = {}
    for run, source in zip(runs, sources, strict=True):
        steps = panel.step(
            "rank",
            "frequency",
            source=source,
            name=run,
            mode="center",
            line_width=1.8,
            **look_of(run, runs),
        )
        dots = panel.scatter(
            "rank", "frequency", source=source, name=run, size=5, color=colour_of(run, runs)
        )
        shown[run] = [steps, dots]
    panel.add_layout(Span(location=1, dimension="width", line_color=MUTED, line_dash="dotted"))
    panel.xaxis.axis_label = "rank, from below all members (0) to above all (1)"
    add_legend(panel, shown)
    told = [("run", "$name"), ("rank", "@number"), ("frequency", "@frequency{0.00}")]
    add_hover(panel, [dots for _, dots in shown.values()], told)
    selects = selects_for(["Product", "Variable"], leaves, sources, panel.yaxis)
    caption = (
        "Flat (1) is reliable, a valley is too little spread, a hill too much, a slope a bias. "
        "Later half of the cycles, every seventh point."
    )
    return Chart("Rank histograms", caption, selects, [panel])


def spread_chart(tables: pd.DataFrame, units: Mapping[str, str], runs: Sequence[str]) -> Chart:
    """Errors by spread.

    Args:
        tables: rows of `ReliabilitySample.errors_by_spread` with columns product and method.
        units: SI unit by symbol of the variable.
        runs: names, in order.
    """
    leaves: dict[Key, Leaf] = {}
    for (product, variable), own in tables.groupby(["product", "variable"], sort=False):
        columns: list[Columns] = [
            {name: own.loc[own["method"] == run, name].to_list() for name in ("spread", "error")}
            for run in runs
        ]
        end = float(own[["spread", "error"]].to_numpy().max())
        columns.append({"spread": [0.0, end], "error": [0.0, end]})
        label = with_axis_units("RMS error", units[str(variable)], ", ")
        leaves[str(product), str(variable)] = Leaf(columns, label)
    sources = [ColumnDataSource() for _ in (*runs, "equal")]
    panel = new_panel("")
    panel.line("spread", "error", source=sources[-1], line_color=MUTED, line_dash="dotted")
    shown = {}
    for run, source in zip(runs, sources[:-1], strict=True):
        places = {"x": "spread", "y": "error", "source": source, "name": run}
        line = panel.line(**places, line_width=1.8, **look_of(run, runs))
        shown[run] = [line, panel.scatter(**places, size=7, color=colour_of(run, runs))]
    panel.xaxis.axis_label = "spread that is comparable with the error, same unit"
    add_legend(panel, shown)
    told = [("run", "$name"), ("spread", "@spread{0.000 a}"), ("error", "@error{0.000 a}")]
    add_hover(panel, [dots for _, dots in shown.values()], told)
    selects = selects_for(["Product", "Variable"], leaves, sources, panel.yaxis)
    caption = (
        "Ten groups of equally many points, from the least spread to the most. On the dotted line "
        "the spread says how large errors are; above it there is too little."
    )
    return Chart("Spread and skill", caption, selects, [panel])


def spectrum_chart(spectra: pd.DataFrame, runs: Sequence[str]) -> Chart:
    """Zonal power of members and the truth, and their ratio.

    Args:
        spectra: of `mean_spectra`, of all runs.
        runs: names, in order.
    """
    shown_runs = [*runs, "truth"]
    chosen = spectra[spectra["wavenumber"] > 0]
    means = chosen.groupby(["product", "variable", "wavenumber", "method"], sort=False)["power"]
    table = means.mean().unstack("method")
    leaves: dict[Key, Leaf] = {}
    waves = sorted(set(chosen["wavenumber"]))
    for (product, variable), own in table.groupby(level=[0, 1], sort=False):
        power = own.droplevel([0, 1]).reindex(waves)
        resolved = power["truth"].where(power["truth"] > _RESOLVED * power["truth"].max())
        columns: dict[str, Any] = {run: _of(power, run).to_numpy() for run in shown_runs}
        columns |= {f"{run} ratio": (_of(power, run) / resolved).to_numpy() for run in shown_runs}
        leaves[str(product), str(variable)] = Leaf([columns], "")
    source = ColumnDataSource({"wavenumber": waves})
    power_panel = new_panel("Power", x_axis_type="log", y_axis_type="log")
    ratio = new_panel(
        "Power over that of the truth", x_axis_type="log", x_range=power_panel.x_range
    )
    for panel, suffix in ((power_panel, ""), (ratio, " ratio")):
        panel.xaxis.axis_label = "zonal wavenumber"
        lines = {
            run: panel.line(
                "wavenumber",
                f"{run}{suffix}",
                source=source,
                name=run,
                line_width=1.8,
                **look_of(run, shown_runs),
            )
            for run in shown_runs
        }
        add_legend(panel, {run: [line] for run, line in lines.items()})
        told = [("", "$name"), ("wavenumber", "@wavenumber"), ("value", "$y{0.000 a}")]
        add_hover(panel, list(lines.values()), told)
    selects = selects_for(["Product", "Variable"], leaves, [source], [])
    caption = (
        "Of members and not of their mean, which is smooth by nature. Below 1 something was "
        "smoothed, above 1 it is too rough. Power in squared SI units."
    )
    return Chart("Zonal power", caption, selects, [power_panel, ratio])


def departure_chart(departures: Mapping[str, pd.DataFrame]) -> Chart:
    """What departures say of the assumed errors of observations.

    Args:
        departures: of `departure_statistics`, by run.
    """
    runs = list(departures)
    variables = list(dict.fromkeys(it for own in departures.values() for it in own["variable"]))
    leaves: dict[Key, Leaf] = {}
    for column, label in _OF_DEPARTURES.items():
        columns = {}
        for run, own in departures.items():
            of_run = own.set_index("variable").reindex(variables)
            over = of_run["assumed_error"] if column == "desroziers_error" else 1.0
            columns[run] = (of_run[column] / over).to_numpy(float)
        leaves[label,] = Leaf([columns], label)
    source = ColumnDataSource({"variable": variables})
    panel = new_panel("", 300, x_range=FactorRange(*variables))
    shown = {
        run: [
            panel.scatter(
                "variable",
                run,
                source=source,
                name=run,
                size=10,
                color=colour_of(run, runs),
                fill_alpha=0.75,
            )
        ]
        for run in runs
    }
    panel.add_layout(Span(location=1, dimension="width", line_color=MUTED, line_dash="dotted"))
    add_legend(panel, shown)
    told = [("run", "$name"), ("variable", "@variable"), ("value", "@$name{0.000}")]
    add_hover(panel, [dots for (dots,) in shown.values()], told)
    selects = selects_for(["Figure"], leaves, [source], panel.yaxis)
    caption = (
        "At 1 the assumed error of observations is the one that departures imply (Desroziers et "
        "al. 2005; it holds for nearly optimal linear analyses). The chi-square of residuals is "
        "below 1 where observations were fitted."
    )
    return Chart("Departures", caption, selects, [panel])


def _frequencies(counts: np.ndarray | None) -> dict[str, list[float]]:
    """Frequencies of ranks over those of a flat histogram; nothing of a run that has none."""
    if counts is None:
        return {"rank": [], "number": [], "frequency": []}
    number = np.arange(counts.size)
    return {
        "rank": ((number + 0.5) / counts.size).tolist(),
        "number": number.tolist(),
        "frequency": (counts * counts.size / counts.sum()).tolist(),
    }


def _of(power: pd.DataFrame, run: str) -> pd.Series:
    """The spectrum of a run; NaN where it has none."""
    return power[run] if run in power else pd.Series(np.nan, power.index)
