"""The maps of the report: some cycles of every run, and the last of one as figures beside it."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float

from align_da.atmosphere import Layout, State, variable_named
from align_da.atmosphere.dataset import layout_from_dataset, state_from_dataset
from align_da.observations.batch import Flag
from align_da.runs.run import Run
from align_da.stages.scored_run import RunScores
from align_da.storage.gridded import read_times
from align_da.verification import maps
from align_da.verification.lines import analysis_lines
from align_da.verification.observed_forecasts import stored_batch
from align_da.verification.report.choices import Key
from align_da.verification.report.line_panels import line_chart
from align_da.verification.report.map_panels import MappedCycle, Sampling, map_chart, sampled
from align_da.verification.report.page import ReportFigure, Section, report_figure
from align_da.verification.station_scores import belongs
from align_da.verification.verified_fields import (
    VerifiedField,
    default_fields,
    fields_by_level,
    told_levels,
)

_LEVELS = 6  # of a variable, at most


def compose_maps(run: Run, runs: Sequence[RunScores]) -> Section:
    """Maps of some cycles of all runs, the last first, and figures of the last cycle of that."""
    fields = _mapped_fields(run.layout)
    sampling = sampled(run.layout.grid, len(runs) * len(fields))
    cases: dict[Key, MappedCycle] = {}
    for scored in reversed(runs):
        cases |= dict(_cases(run, scored, fields, sampling))
    figures = list(_figures(run, runs[-1]))
    if run.layout.grid.is_row:
        chart = line_chart(cases, run.layout.grid, sampling.step)
        return Section("States", charts=[chart], beside=figures)
    grid = layout_from_dataset(_thinned(runs[0].analysis, sampling)).grid
    return Section("Maps", charts=[map_chart(cases, grid)], beside=figures)


def _mapped_fields(layout: Layout) -> list[tuple[str, str, VerifiedField]]:
    """Symbol, level in words and field of what is mapped: of many levels some at equal steps."""
    levels = layout.grid.level_count
    chosen = set(np.linspace(0, levels - 1, min(levels, _LEVELS)).round().astype(int).tolist())
    words = told_levels(layout.grid.vertical)
    index = layout.grid.vertical.kind == "index"
    on_levels = [it for it in fields_by_level(layout) if it.levels[0] in chosen]
    whole = default_fields(layout)[: len(layout.variables)]
    single = [it for it in whole if it.variable not in {other.variable for other in on_levels}]
    return [
        *((variable_named(it.variable).symbol, words[it.levels[0]], it) for it in on_levels),
        *((variable_named(it.variable).symbol, _alone(it, index=index), it) for it in single),
    ]


def _alone(field: VerifiedField, *, index: bool) -> str:
    """Where a field lies that is mapped on one level, in words."""
    return "level 1" if index and variable_named(field.variable).on_levels else "surface"


def _thinned(dataset: xr.Dataset, sampling: Sampling) -> xr.Dataset:
    """The points that maps show."""
    every = slice(None, None, sampling.step)
    return dataset.isel(latitude=every, longitude=every)


def _cases(
    run: Run,
    scored: RunScores,
    fields: Sequence[tuple[str, str, VerifiedField]],
    sampling: Sampling,
) -> Iterator[tuple[Key, MappedCycle]]:
    """Everything that is mapped of a run, the last cycle first."""
    for index in sampling.of(scored.analysis.sizes["time"])[::-1]:
        time = scored.analysis["time"].to_numpy()[index]
        truth = _states(run.truth.sel(time=[time]), sampling)
        cycle = {
            product: _states(dataset.isel(time=[index]), sampling)
            for product, dataset in scored.cycles.items()
        }
        observed = scored.observations.isel(time=index).load()
        for symbol, level, field in fields:
            key = (scored.name, f"{pd.Timestamp(time):%Y-%m-%d %H:%M}", symbol, level)
            yield (
                key,
                MappedCycle(
                    truth=_of(truth, field),
                    background=_of(cycle["background"], field).mean(axis=0),
                    analysis=_of(cycle["analysis"], field).mean(axis=0),
                    background_spread=_spread(_of(cycle["background"], field)),
                    analysis_spread=_spread(_of(cycle["analysis"], field)),
                    stations=_stations(observed, run.layout, field),
                    units=field.units,
                ),
            )


def _states(dataset: xr.Dataset, sampling: Sampling) -> State:
    """The states of one time at the points that maps show."""
    thin = _thinned(dataset, sampling)
    layout = layout_from_dataset(thin)
    return State(state_from_dataset(thin, layout).values[0], layout)


def _of(state: State, field: VerifiedField) -> Float[np.ndarray, "*member lat lon"]:
    """A field on its first level, in double precision."""
    return np.asarray(state[field.variable], np.float64)[..., field.levels[0]]


def _spread(members: Float[np.ndarray, "member lat lon"]) -> Float[np.ndarray, "lat lon"]:
    """Standard deviation of the members; zero of one."""
    return np.asarray(members.std(axis=0, ddof=1 if len(members) > 1 else 0))


def _stations(observed: xr.Dataset, layout: Layout, field: VerifiedField) -> dict[str, np.ndarray]:
    """What was reported of a field, and what became of it."""
    flag = observed["flag"].to_numpy()
    chosen = belongs(stored_batch(observed), layout, field) & (flag != Flag.MISSING)
    value, error, latitude, longitude, background, analysis = (
        observed[name].to_numpy()[chosen]
        for name in (
            *("value", "error", "latitude", "longitude"),
            *("background_equivalent", "analysis_equivalent"),
        )
    )
    return {
        "latitude": latitude,
        "longitude": longitude,
        "innovation": value - background,
        "residual": value - analysis,
        "error": error,
        "flag": np.asarray([Flag(number).name.lower() for number in flag[chosen]]),
    }


def _figures(run: Run, scored: RunScores) -> Iterator[ReportFigure]:
    """Maps of the last cycle of a run, or lines on one row, of every field on a single level."""
    layout = run.layout
    truth = read_times(run.truth, layout, scored.analysis["time"].to_numpy()[-1:])
    states = {
        "truth": State(truth.values[0], layout),
        "background": _mean_of_last(scored.background, layout),
        "analysis": _mean_of_last(scored.analysis, layout),
    }
    observed = scored.observations.isel(time=-1).load()
    for number, field in enumerate(default_fields(layout)):
        if len(field.levels) == 1:
            yield _figure(layout, field, states, observed, number)


def _figure(
    layout: Layout,
    field: VerifiedField,
    states: dict[str, State],
    observed: xr.Dataset,
    number: int,
) -> ReportFigure:
    """One of them; dots are the assimilated stations."""
    index = layout.variables.index(field.variable)
    shown = (observed["variable"] == index) & (observed["flag"] == int(Flag.PASS))
    latitude, longitude = (
        observed[name].to_numpy()[shown.to_numpy()] for name in ("latitude", "longitude")
    )
    values = {
        name: np.asarray(state[field.variable][..., field.levels[0]])
        for name, state in states.items()
    }
    case = maps.MapCase(
        **values,
        grid=layout.grid,
        name=field.label,
        units=field.units,
        station_latitude=latitude,
        station_longitude=longitude,
    )
    draw = analysis_lines if layout.grid.is_row else maps.analysis_maps
    return report_figure(f"map_{number}", f"{field.label}.", draw(case))


def _mean_of_last(dataset: xr.Dataset, layout: Layout) -> State:
    """Ensemble mean of the last cycle."""
    last = state_from_dataset(dataset.isel(time=slice(-1, None)), layout)
    return State(last.values[0].mean(axis=0), layout)
