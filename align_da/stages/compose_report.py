"""What the report of a verification shows, and in which order."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
from bokeh.models import Select

from align_da.atmosphere import Grid, Layout, variable_named
from align_da.digests import digest_of
from align_da.keys import Purpose, key_for
from align_da.runs.run import Run
from align_da.stages.compose_cost import compose_cost
from align_da.stages.compose_maps import compose_maps
from align_da.stages.observation_impact import BY_TYPE, FOLDER
from align_da.stages.scored_run import RunScores
from align_da.training.history import read_history
from align_da.verification.cost_table import Costs, with_costs
from align_da.verification.figure_style import axis_units
from align_da.verification.impact_chart import impact_chart
from align_da.verification.loss_curves import loss_curves
from align_da.verification.observed_forecasts import common_dates
from align_da.verification.rank_histogram_chart import rank_histogram_chart
from align_da.verification.relative_errors import WHOLE, relative_errors
from align_da.verification.reliability_sample import reliability_sample
from align_da.verification.report.comparison_chart import comparison_chart
from align_da.verification.report.cost_in_words import told_cost, told_costs
from align_da.verification.report.page import (
    HtmlReport,
    Paragraph,
    ReportTable,
    Section,
    report_figure,
)
from align_da.verification.report.reliability_charts import (
    departure_chart,
    rank_chart,
    spectrum_chart,
    spread_chart,
)
from align_da.verification.report.run_switch import run_switch
from align_da.verification.report.score_charts import (
    ShownField,
    lead_chart,
    place_chart,
    profile_chart,
    series_chart,
)
from align_da.verification.report.words import told_alone, told_comparison, told_extent
from align_da.verification.score_chart import improvement_chart
from align_da.verification.score_table import SCORES, summarise_scores
from align_da.verification.spectra_chart import spectra_chart
from align_da.verification.table_format import readable_table, told_dates
from align_da.verification.time_series import error_over_cycles
from align_da.verification.verified_fields import (
    VerifiedField,
    default_fields,
    fields_by_level,
    told_levels,
)

_CYCLED = ("analysis", "background")
_SPECTRA = ("u", "T")  # in the figure beside the page
_RATIOS = ("spread_skill", "balance")


def compose_report(run: Run, runs: Sequence[RunScores]) -> HtmlReport:
    """The report of one or more cycling runs; the first is the reference at first."""
    names = [scored.name for scored in runs]
    rows = _analyses_first(common_dates(_together(scored.rows for scored in runs)))
    key = key_for(run.config.seed, Purpose.VERIFICATION)
    labels = [field.label for field in _whole(run.layout)]
    summaries = {
        name: summarise_scores(
            pd.concat([rows, relative_errors(rows, name, labels)], ignore_index=True),
            name,
            run.bootstrap,
            key,
        )
        for name in names
    }
    costs = {scored.name: scored.cost for scored in runs}
    select, comparison = _comparison(run.layout, summaries, costs)
    sections = [
        comparison,
        compose_cost(costs),
        _scores(run.layout, rows, runs),
        _forecasts(run, rows, runs),
        compose_maps(run, runs),
        _reliability(run, runs, key),
        _spectra(runs),
        *_impacts(run.folder.report),
        *_alignment(run.folder.report),
        *_training(run.folder.report),
        _settings(runs),
    ]
    charts = [chart for section in sections for chart in section.charts]
    return HtmlReport(
        title="Align-DA cycling report",
        lead=[
            *_lead(run, rows, summaries, labels, key, costs),
            Paragraph(told_extent(_extents(runs))),
        ],
        controls=[*select, run_switch(names, charts)] if len(names) > 1 else [],
        reference=names[0],
        sections=sections,
        footer=f"configuration {digest_of(run.config)[:16]}, seed {run.config.seed}",
    )


def _together(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """The tables of all runs as one."""
    return pd.concat(list(tables), ignore_index=True)


def _analyses_first(table: pd.DataFrame) -> pd.DataFrame:
    """Rows in the order in which products are offered."""
    return table.sort_values("product", key=lambda names: names != "analysis", kind="stable")


def _whole(layout: Layout) -> tuple[VerifiedField, ...]:
    """Every variable once."""
    return default_fields(layout)[: len(layout.variables)]


def _shown_fields(layout: Layout) -> list[ShownField]:
    """What can be chosen: of every variable the whole, then its levels from the top."""
    levels = fields_by_level(layout)
    found = []
    for whole in _whole(layout):
        variable = variable_named(whole.variable)
        place = "troposphere" if variable.on_levels and levels else "whole"
        found.append(ShownField(whole.label, variable.symbol, place, whole.units))
        found += [it for it in _on_levels(layout) if it.variable == variable.symbol]
    return [*found, ShownField("state", WHOLE, "whole", "1")]


def _on_levels(layout: Layout) -> list[ShownField]:
    """Every level of every variable."""
    return [
        ShownField(
            field.label,
            variable_named(field.variable).symbol,
            told_levels(layout.grid.vertical)[field.levels[0]],
            field.units,
        )
        for field in fields_by_level(layout)
    ]


def _lead(
    run: Run,
    rows: pd.DataFrame,
    summaries: Mapping[str, pd.DataFrame],
    labels: Sequence[str],
    key: jax.Array,
    costs: Costs,
) -> list[Paragraph]:
    """Which run is better, by how much, how sure that is, and at what cost."""
    if len(summaries) > 1:
        return [
            Paragraph(
                f"{told_comparison(summary, other, reference, labels)} "
                f"{told_costs(costs, other, reference)}",
                reference,
            )
            for reference, summary in summaries.items()
            for other in summaries
            if other != reference
        ]
    (name,) = summaries
    products = rows[rows["product"].isin(["background", "analysis"])]
    alone = products.assign(method=products["product"], product=name)
    relative = relative_errors(alone, "background", labels)
    summary = summarise_scores(
        relative.assign(product="analysis"), "background", run.bootstrap, key
    )
    return [Paragraph(f"{told_alone(summary, name)} {told_cost(costs[name], name)}")]


def _extents(runs: Sequence[RunScores]) -> dict[str, str]:
    """Cycles and members of every run, in words."""
    found = {}
    for scored in runs:
        times, sizes = pd.DatetimeIndex(scored.analysis["time"].to_numpy()), scored.analysis.sizes
        found[scored.name] = (
            f"{len(times)} cycles of {scored.window_hours} h from {times[0]:%Y-%m-%d %H:%M} to "
            f"{times[-1]:%Y-%m-%d %H:%M}, {sizes['realization']} members"
        )
    return found


def _comparison(
    layout: Layout, summaries: Mapping[str, pd.DataFrame], costs: Costs
) -> tuple[list[Select], Section]:
    """Tables of means, and of several runs what they gain over a reference."""
    names, selects, charts, beside = list(costs), [], [], []
    labels = [WHOLE, *(field.label for field in default_fields(layout))]
    first = summaries[names[0]]
    if len(names) > 1:
        select, chart = comparison_chart(summaries, labels, names)
        selects, charts = [select], [chart]
        beside = [
            report_figure(
                f"improvement_{product.replace(' ', '_')}",
                f"Improvement over {names[0]}, {product}, with 95 % intervals.",
                improvement_chart(first, "rmse", product),
            )
            for product in dict.fromkeys(first.loc[first["score"] == "rmse", "product"])
        ]
    units = {field.label: axis_units(field.units) or "1" for field in default_fields(layout)}
    tables = [
        table
        for reference, summary in summaries.items()
        for table in _mean_tables(summary, reference if len(names) > 1 else "", units, costs)
    ]
    text = (
        f"Root mean square errors against the truth are averaged {_averaged(layout.grid)}. "
        "Changes in brackets are 1 − new/reference, with a "
        "star where the interval of the date-paired block bootstrap excludes zero. "
    ) + told_dates(first)
    return selects, Section("Comparison", text, charts, tables, beside=beside)


def _averaged(grid: Grid) -> str:
    """Over what errors are averaged, in words."""
    where = "over all points" if grid.is_row else "by area"
    if grid.vertical.kind == "index":
        return where if grid.level_count == 1 else f"{where} and over all levels"
    return f"{where} and over the levels at and below 0.2 of the surface pressure"


def _mean_tables(
    summary: pd.DataFrame, reference: str, units: Mapping[str, str], costs: Costs
) -> Iterator[ReportTable]:
    """Means of every run and its cost, those of the analyses first; all others are folded."""
    products = sorted(dict.fromkeys(summary["product"]), key=lambda name: name != "analysis")
    wanted = [(product, "rmse") for product in products]
    wanted += [("analysis", score) for score in ("crps", "spread_skill", "balance")]
    there = set(zip(summary["product"], summary["score"], strict=True))
    for number, (product, score) in enumerate(it for it in wanted if it in there):
        frame = readable_table(summary, score, product)
        of_units = [units.get(label, "1") for label in frame["variable"]]
        frame.insert(1, "unit", "1" if score in _RATIOS else of_units)
        against = f", compared with {reference}" if reference else ""
        caption = f"{SCORES[score].label}, {product}{against}"
        yield ReportTable(caption, with_costs(frame, costs), reference, folded=number > 0)


def _scores(layout: Layout, rows: pd.DataFrame, runs: Sequence[RunScores]) -> Section:
    """Over the cycles, by level and by place."""
    names = [scored.name for scored in runs]
    places = _analyses_first(_together(scored.places for scored in runs))
    fields, levels = _shown_fields(layout), _on_levels(layout)
    everything = _of_every_level(layout, rows, runs)
    charts = [
        series_chart(everything[everything["product"].isin(_CYCLED)], fields, names),
        *([profile_chart(_by_level(runs), levels, names)] if levels else []),
        place_chart(places, [it for it in fields if it.variable != WHOLE], names),
    ]
    whole = _whole(layout)
    labels, units = [it.label for it in whole], [axis_units(it.units) for it in whole]
    beside = [
        report_figure(
            f"cycles_{product}",
            f"Error (solid) and spread (dashed) of the {product} over the cycles.",
            error_over_cycles(rows, product, labels, units),
        )
        for product in _CYCLED
    ]
    return Section("Scores", charts=charts, beside=beside)


def _by_level(runs: Sequence[RunScores]) -> pd.DataFrame:
    """Scores of single levels of all runs."""
    return _analyses_first(_together(scored.by_level for scored in runs))


def _of_every_level(layout: Layout, rows: pd.DataFrame, runs: Sequence[RunScores]) -> pd.DataFrame:
    """Scores of whole variables and states, then of single levels, none twice."""
    whole = {field.label for field in _shown_fields(layout)} - {
        field.label for field in _on_levels(layout)
    }
    return pd.concat([rows[rows["variable"].isin(whole)], _by_level(runs)], ignore_index=True)


def _forecasts(run: Run, rows: pd.DataFrame, runs: Sequence[RunScores]) -> Section:
    """Errors by lead; a forecast that is as old as the background takes its place."""
    products = {0: "analysis", runs[0].window_hours: "background"}
    products |= {
        hours: f"forecast {hours} h" for hours in run.config.verification.forecast_lead_hours
    }
    leads = {product: float(hours) for hours, product in products.items()}
    names = [scored.name for scored in runs]
    everything = _of_every_level(run.layout, rows, runs)
    fields = _shown_fields(run.layout)
    return Section("Forecasts", charts=[lead_chart(everything, fields, names, leads)])


def _reliability(run: Run, runs: Sequence[RunScores], key: jax.Array) -> Section:
    """Ranks and spread of the later half of the cycles, and what departures say of errors."""
    names = [scored.name for scored in runs]
    charts, beside = [], []
    several = [scored for scored in runs if scored.analysis.sizes["realization"] > 1]
    text = "" if several else "One member has no spread."
    if several:
        samples = {
            (product, scored.name): reliability_sample(dataset, run.truth)
            for product in _CYCLED
            for scored in several
            for dataset in [scored.cycles[product]]
        }
        ranks = {place: sample.ranks(key) for place, sample in samples.items()}
        centred = {scored.name: scored.centred for scored in several}
        tables = pd.concat(
            [
                sample.errors_by_spread(centred=centred[name]).assign(product=product, method=name)
                for (product, name), sample in samples.items()
            ],
            ignore_index=True,
        )
        units = {
            variable_named(it).symbol: variable_named(it).units for it in run.layout.variables
        }
        charts = [rank_chart(_by_variable(ranks), names), spread_chart(tables, units, names)]
        featured = several[-1].name
        caption = "Rank of the truth among the members; flat is reliable."
        chart = rank_histogram_chart(ranks["analysis", featured], featured)
        beside = [report_figure("ranks", caption, chart)]
    departures = {scored.name: scored.departures for scored in runs if len(scored.departures)}
    if departures:
        charts.append(departure_chart(departures))
    tables_of_runs = [
        ReportTable(f"Departures and withheld observations of {name}, SI units", own, folded=True)
        for name, own in departures.items()
    ]
    return Section("Reliability", text, charts, tables_of_runs, beside=beside)


def _by_variable(
    ranks: Mapping[tuple[str, str], Mapping[str, np.ndarray]],
) -> dict[str, dict[str, dict[str, np.ndarray]]]:
    """Ranks by product, variable and run."""
    found: dict[str, dict[str, dict[str, np.ndarray]]] = {}
    for (product, name), of_variables in ranks.items():
        for variable, counts in of_variables.items():
            found.setdefault(product, {}).setdefault(variable, {})[name] = counts
    return found


def _spectra(runs: Sequence[RunScores]) -> Section:
    """Power by wavenumber."""
    spectra = _together(scored.spectra for scored in runs)
    names = [scored.name for scored in runs]
    labels = [label for label in _SPECTRA if label in set(spectra["variable"])]
    beside = []
    if labels:
        caption = "Zonal power of members, and its ratio to the truth."
        figure = spectra_chart(spectra, "analysis", labels)
        beside = [report_figure("spectra", caption, figure)]
    return Section("Spectra", charts=[spectrum_chart(spectra, names)], beside=beside)


def _settings(runs: Sequence[RunScores]) -> Section:
    """What the runs were made with: where they differ, then everything."""
    flat = {scored.name: dict(_flattened(scored.settings)) for scored in runs}
    table = pd.DataFrame(flat).rename_axis("key").reset_index().fillna("—")
    differs = table[list(flat)].nunique(axis=1) > 1
    tables = [ReportTable("All settings", table, folded=True)]
    if differs.any():
        tables.insert(0, ReportTable("Settings in which the runs differ", table[differs]))
    text = "What the cycles were made with; align-da config tells meaning and unit of every key."
    return Section("Settings", text, tables=tables)


def _flattened(settings: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    """Every key with its section, and its value as JSON has it."""
    for key, value in settings.items():
        name = f"{place}{key}"
        if isinstance(value, Mapping):
            yield from _flattened(value, f"{name}.")
        else:
            yield name, json.dumps(value, ensure_ascii=False)


def _impacts(folder: Path) -> list[Section]:
    """Impacts of observations on forecasts, where they were found out in this run."""
    tables = {
        path.name.removesuffix(BY_TYPE): pd.read_csv(path)
        for path in sorted((folder / FOLDER).glob(f"*{BY_TYPE}"))
    }
    if not tables:
        return []
    text = (
        "What observations have changed of the squared error of forecasts, J kg⁻¹ a cycle, as an "
        "ensemble estimates it (EFSOI): negative is good."
    )
    figures = [
        report_figure(f"impact_{name}", f"Impacts in {name}.", impact_chart(table))
        for name, table in tables.items()
    ]
    shown = [ReportTable(f"Impacts in {name}", table) for name, table in tables.items()]
    return [Section("Impact of observations", text, tables=shown, figures=figures)]


def _alignment(folder: Path) -> list[Section]:
    """How the priors compare, where that was measured in this run."""
    path = folder / "alignment.csv"
    if not path.exists():
        return []
    text = (
        "Rewards of single draws, all priors of a case in one group, and the difference to "
        "the reference prior with its date-paired bootstrap interval; relative measures have none."
    )
    return [Section("Alignment", text, tables=[ReportTable("Priors", pd.read_csv(path))])]


def _training(folder: Path) -> list[Section]:
    """Loss curves, where the networks were trained in this run."""
    files = sorted(folder.glob("loss_*.jsonl"))
    if not files:
        return []
    histories = {
        file.stem.removeprefix("loss_"): pd.DataFrame(read_history(file))[
            ["step", "training_loss", "validation_loss"]
        ]
        for file in files
    }
    figure = report_figure("losses", "Training and validation loss.", loss_curves(histories))
    return [Section("Training", figures=[figure])]
