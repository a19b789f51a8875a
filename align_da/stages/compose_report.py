"""What the report of a verification shows, and in which order."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
import pandas as pd
import xarray as xr

from align_da.atmosphere import Layout, State, variable_named
from align_da.atmosphere.dataset import state_from_dataset
from align_da.digests import digest_of
from align_da.keys import Purpose, key_for
from align_da.observations.batch import Flag
from align_da.runs.run import Run
from align_da.stages.observation_impact import BY_TYPE, FOLDER
from align_da.storage.gridded import read_times
from align_da.training.history import read_history
from align_da.verification.ensemble_scores import rank_histogram
from align_da.verification.figure_style import axis_units
from align_da.verification.impact_chart import impact_chart
from align_da.verification.loss_curves import loss_curves
from align_da.verification.maps import MapCase, analysis_maps
from align_da.verification.rank_histogram_chart import rank_histogram_chart
from align_da.verification.report import (
    HtmlReport,
    ReportFigure,
    ReportTable,
    Section,
    report_figure,
)
from align_da.verification.score_chart import improvement_chart
from align_da.verification.score_table import summarise_scores
from align_da.verification.spectra_chart import spectra_chart
from align_da.verification.table_format import readable_table, told_dates
from align_da.verification.time_series import error_over_cycles
from align_da.verification.verified_fields import VerifiedField, default_fields

_RANK_STRIDE = 7  # of grid points: neighbours are not independent
_SPECTRA = ("u", "T")


@dataclass(frozen=True)
class RunScores:
    """What was found out about one cycling run.

    Attributes:
        name: of the run.
        rows: scores at every valid time, see `verification.score_table`.
        spectra: mean spectra of the analyses.
        departures: statistics of innovations and residuals.
        background: ensembles of every cycle.
        analysis: likewise.
        observations: of every cycle.
    """

    name: str
    rows: pd.DataFrame
    spectra: pd.DataFrame
    departures: pd.DataFrame
    background: xr.Dataset
    analysis: xr.Dataset
    observations: xr.Dataset


def compose_report(run: Run, runs: Sequence[RunScores]) -> HtmlReport:
    """The report of one or more cycling runs; the first is the reference."""
    rows = pd.concat([scored.rows for scored in runs], ignore_index=True)
    key = key_for(run.config.seed, Purpose.VERIFICATION)
    summary = summarise_scores(rows, runs[0].name, run.bootstrap, key)
    featured = runs[-1]
    return HtmlReport(
        "Align-DA cycling report",
        _headline(summary, featured),
        [
            _scores(summary, runs),
            _over_cycles(run.layout, rows),
            _maps(run.layout, run.truth, featured),
            _reliability(run.layout, run.truth, featured, key),
            _spectra(runs),
            *_impacts(run.folder.report),
            *_alignment(run.folder.report),
            *_training(run.folder.report),
        ],
        f"configuration {digest_of(run.config)[:16]}, seed {run.config.seed}",
    )


def _headline(summary: pd.DataFrame, scored: RunScores) -> list[tuple[str, str]]:
    """Analysis errors of the featured run."""
    chosen = summary[
        (summary["method"] == scored.name)
        & (summary["product"] == "analysis")
        & (summary["score"] == "rmse")
    ]
    errors = chosen.set_index("variable")["mean"]
    found = [("cycles", str(scored.analysis.sizes["time"]))]
    told = {
        "u": (f"{scored.name}: wind u", 1.0, "m s⁻¹"),
        "T": ("temperature", 1.0, "K"),
        "p_s": ("surface pressure", 0.01, "hPa"),
        "msl": ("pressure at sea level", 0.01, "hPa"),
    }
    for variable, (label, scale, unit) in told.items():
        if variable in errors.index:
            found.append((label, f"{scale * errors[variable]:.2f} {unit}"))
    return found


def _scores(summary: pd.DataFrame, runs: Sequence[RunScores]) -> Section:
    products = list(dict.fromkeys(summary["product"]))
    tables = [
        ReportTable(
            f"RMSE of the ensemble mean, {product}", readable_table(summary, "rmse", product)
        )
        for product in products
    ]
    tables += [
        ReportTable(f"{title}, analysis", readable_table(summary, score, "analysis"))
        for score, title in (
            ("crps", "Fair CRPS of independent draws"),
            ("spread_skill", "Spread over skill (1 is reliable)"),
            ("balance", "Balance score"),
        )
        if ((summary["score"] == score) & (summary["product"] == "analysis")).any()
    ]
    tables += [
        ReportTable(f"Departures and withheld observations of {scored.name}", scored.departures)
        for scored in runs
    ]
    figures = []
    if len(runs) > 1:
        figures = [
            report_figure(
                f"improvement_{product.replace(' ', '_')}",
                f"Improvement over {runs[0].name}, {product}, with 95 % intervals.",
                improvement_chart(summary, "rmse", product),
            )
            for product in products
        ]
    text = (
        "Root mean square errors against the truth, averaged by area and over the levels at and "
        "below 0.2 of the surface pressure (SI units). Changes are 1 − new/reference with a star "
        "where the date-paired block bootstrap interval excludes zero. "
    ) + told_dates(summary)
    return Section("Scores", text, tables, figures)


def _over_cycles(layout: Layout, rows: pd.DataFrame) -> Section:
    fields = default_fields(layout)
    labels = [field.label for field in fields][: len(layout.variables)]
    units = [axis_units(field.units) for field in fields][: len(labels)]
    figures = [
        report_figure(
            f"cycles_{product}",
            f"Error (solid) and spread (dashed) of the {product} over the cycles.",
            error_over_cycles(rows, product, labels, units),
        )
        for product in ("analysis", "background")
    ]
    return Section("Over the cycles", figures=figures)


def _maps(layout: Layout, truths: xr.Dataset, scored: RunScores) -> Section:
    """Maps of the last cycle."""
    truth = read_times(truths, layout, scored.analysis["time"].to_numpy()[-1:])
    states = {
        "truth": State(truth.values[0], layout),
        "background": _mean_of_last(scored.background, layout),
        "analysis": _mean_of_last(scored.analysis, layout),
    }
    observed = scored.observations.isel(time=-1)
    figures = [
        _map(layout, field, states, observed, number)
        for number, field in enumerate(default_fields(layout))
        if len(field.levels) == 1
    ]
    text = f"The last cycle of {scored.name}; dots are the assimilated stations."
    return Section("Maps", text, figures=figures)


def _map(
    layout: Layout,
    field: VerifiedField,
    states: dict[str, State],
    observed: xr.Dataset,
    number: int,
) -> ReportFigure:
    index = layout.variables.index(field.variable)
    shown = (observed["variable"] == index) & (observed["flag"] == int(Flag.PASS))
    latitude, longitude = (
        observed[name].to_numpy()[shown.to_numpy()] for name in ("latitude", "longitude")
    )
    values = {
        name: np.asarray(state[field.variable][..., field.levels[0]])
        for name, state in states.items()
    }
    case = MapCase(
        **values,
        grid=layout.grid,
        name=field.label,
        units=field.units,
        station_latitude=latitude,
        station_longitude=longitude,
    )
    return report_figure(f"map_{number}", f"{field.label}.", analysis_maps(case))


def _mean_of_last(dataset: xr.Dataset, layout: Layout) -> State:
    """Ensemble mean of the last cycle."""
    last = state_from_dataset(dataset.isel(time=slice(-1, None)), layout)
    return State(last.values[0].mean(axis=0), layout)


def _reliability(layout: Layout, truths: xr.Dataset, scored: RunScores, key: jax.Array) -> Section:
    """Rank histograms of the later half of the cycles."""
    if scored.analysis.sizes["realization"] == 1:
        return Section("Reliability", "One member has no spread.")
    later = scored.analysis.isel(time=slice(scored.analysis.sizes["time"] // 2, None))
    ensemble = np.moveaxis(np.asarray(state_from_dataset(later, layout).values), 1, 0)
    truth = np.asarray(read_times(truths, layout, later["time"].to_numpy()).values)
    counts = {}
    for name in layout.variables:
        channels = layout.channels_of(name)
        points = (slice(None, None, _RANK_STRIDE),) * 2
        counts[variable_named(name).symbol] = rank_histogram(
            ensemble[..., channels][(slice(None), slice(None), *points)],
            truth[..., channels][(slice(None), *points)],
            key,
        )
    caption = "Rank of the truth among the members; flat is reliable."
    figures = [report_figure("ranks", caption, rank_histogram_chart(counts, scored.name))]
    return Section("Reliability", f"Analyses of {scored.name}, later half.", figures=figures)


def _spectra(runs: Sequence[RunScores]) -> Section:
    spectra = pd.concat([scored.spectra for scored in runs], ignore_index=True)
    labels = [label for label in _SPECTRA if label in set(spectra["variable"])]
    if not labels:
        return Section("Spectra", "No variable with a spectrum.")
    caption = "Zonal power of members, and its ratio to the truth."
    figure = report_figure("spectra", caption, spectra_chart(spectra, "analysis", labels))
    return Section("Spectra", figures=[figure])


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
    return [Section("Impact of observations", text, shown, figures)]


def _alignment(folder: Path) -> list[Section]:
    """How the priors compare, where that was measured in this run."""
    path = folder / "alignment.csv"
    if not path.exists():
        return []
    text = (
        "Rewards of single draws, all priors of a case in one group, and the difference to "
        "the reference prior with its date-paired bootstrap interval; relative measures have none."
    )
    return [Section("Alignment", text, [ReportTable("Priors", pd.read_csv(path))])]


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
