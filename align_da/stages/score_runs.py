"""Score cycling runs against the truth and withheld observations, and write the report."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Array, Float
from rich.console import Console

from align_da.atmosphere import State
from align_da.atmosphere.balance import has_mass_and_wind
from align_da.atmosphere.balance_score import balance_scores
from align_da.atmosphere.dataset import dataset_from_values, state_from_dataset
from align_da.atmosphere.spectra import mean_zonal_spectrum
from align_da.config import Config, CycleConfig, SamplerConfig, section_from_table
from align_da.config.table import table_of
from align_da.digests import digest_of
from align_da.forecast.leads import forecasts_at
from align_da.parallel.progress import progress_bar
from align_da.runs.analyses import cycles_are_centred
from align_da.runs.forecast_models import configured_forecast_model, frame_before
from align_da.runs.run import Run, open_run
from align_da.stages.compose_report import compose_report
from align_da.stages.read_results import COSTS, SCORES
from align_da.stages.scored_run import RunScores
from align_da.stages.settings_of_scores import SETTINGS_OF_SCORES
from align_da.storage.lock import owned
from align_da.storage.manifest import read_manifest
from align_da.storage.mapped_arrays import mapped_array
from align_da.storage.report_record import (
    ReportRecord,
    make_room_for_report,
    write_report_record,
)
from align_da.storage.run_cost import cost_of_run
from align_da.storage.store_places import manifest_path
from align_da.storage.stored_cycles import open_cycles
from align_da.storage.tables import write_table
from align_da.verification.cost_table import cost_table
from align_da.verification.error_places import errors_by_place
from align_da.verification.innovation_statistics import Departures, departure_statistics
from align_da.verification.observed_forecasts import background_departures, forecast_departures
from align_da.verification.report.page import REPORT_NAME, write_report
from align_da.verification.score_table import ROW_COLUMNS
from align_da.verification.verified_fields import default_fields, fields_by_level
from align_da.verification.verify_cycles import mean_spectra, verify_cycles

_LOG = logging.getLogger(__name__)
_OF_DEPARTURES = (
    *("value", "background_equivalent", "analysis_equivalent"),
    *("error", "variable", "flag"),
)


def score_runs(config: Config, folder: Path, names: Sequence[str]) -> Path:
    """Verify the cycling runs `names`; the first is the reference of the comparison.

    Returns:
        The path of the report.

    Raises:
        StorageError: a store is missing or damaged, or another process writes the report.
        InputError: the truth lacks a valid time.
    """
    run = open_run(config, folder)
    with owned(run.folder.report / "verify.lock"):
        return _write_scores(run, names)


def _write_scores(run: Run, names: Sequence[str]) -> Path:
    """Score the runs; the path of the report."""
    scored = [_score_run(run, name) for name in names]
    report = compose_report(run, scored)
    record = _record_of(run, scored)
    console, folder = Console(), run.folder.report
    told, differences = make_room_for_report(folder, record, (REPORT_NAME, SCORES, COSTS))
    path = write_report(report, folder)
    rows = pd.concat([scores.rows for scores in scored], ignore_index=True)
    write_table(folder / SCORES, rows)
    write_table(folder / COSTS, cost_table({scores.name: scores.cost for scores in scored}))
    write_report_record(folder, record)
    for line in (told, *differences):
        console.print(line, style="yellow", highlight=False, soft_wrap=True)
    console.print(f"report: {path}", soft_wrap=True)
    return path


def _record_of(run: Run, scored: Sequence[RunScores]) -> ReportRecord:
    """What a report is made of; how many cycles a run has does not make another run of it."""
    made_with = {}
    for scores in scored:
        manifest = read_manifest(manifest_path(run.folder.cycles(scores.name)))
        cycle = {key: value for key, value in manifest.config["cycle"].items() if key != "cycles"}
        config = {key: said for key, said in manifest.config.items() if key != "store"}
        made_with[scores.name] = digest_of({**config, "cycle": cycle}, manifest.inputs)
    cycles = {scores.name: int(scores.analysis.sizes["time"]) for scores in scored}
    settings = table_of(run.config)
    return ReportRecord(
        made_with, cycles, {name: settings[name] for name in ("seed", *SETTINGS_OF_SCORES)}
    )


def _score_run(run: Run, name: str) -> RunScores:
    """Scores of one cycling run by product."""
    path = run.folder.cycles(name)
    cycles = {product: open_cycles(path, product) for product in ("background", "analysis")}
    forecasts = _forecasts(run, cycles["analysis"], name)
    products = cycles | forecasts

    def balance(ensemble: State, truth: State) -> dict[str, Float[Array, " member"]]:
        return balance_scores(ensemble, truth, run.surface_geopotential, run.balance_variability)

    diagnose = balance if has_mass_and_wind(run.layout) else None
    made = _settings_of(run, path)
    centred = cycles_are_centred(made)
    fields, levels = default_fields(run.layout), fields_by_level(run.layout)
    scores = verify_cycles(
        products, run.truth, name, (*fields, *levels), diagnose, centred=centred
    )
    observations = open_cycles(path, "observations")
    rows = [
        scores[scores["variable"].isin({"state", *(field.label for field in fields)})],
        _diagnosed(path, name),
        background_departures(observations, run.layout, name),
        *(
            forecast_departures(forecast, observations, run.operator_at_once, name, product)
            for product, forecast in forecasts.items()
        ),
    ]
    placed = (*fields[: len(run.layout.variables)], *levels)
    return RunScores(
        name=name,
        rows=pd.concat(rows, ignore_index=True),
        by_level=scores[scores["variable"].isin({field.label for field in levels})],
        places=errors_by_place(cycles, run.truth, observations, name, placed, centred=centred),
        spectra=mean_spectra(
            {"analysis": cycles["analysis"]},
            run.truth,
            name,
            lambda field: mean_zonal_spectrum(field, run.layout.grid),
        ),
        departures=departure_statistics(_departures(observations), run.layout),
        background=cycles["background"],
        analysis=cycles["analysis"],
        observations=observations,
        settings=_stored_settings(path),
        window_hours=made.cycle.window_hours,
        centred=centred,
        cost=cost_of_run(path, cycles["analysis"].sizes["time"]),
    )


def _diagnosed(path: Path, name: str) -> pd.DataFrame:
    """What every cycle has stored of itself.

    How much of what a network expects has reached the analysis, 0 without a network; and the
    variance of innovations over what is expected of it.
    """
    stored = open_cycles(path, "diagnostics")
    shares = stored.get("learned_share")  # not in stores of before
    found = {} if shares is None else {("analysis", "learned_share"): shares.fillna(0.0)}
    if "background_variance" in stored:  # likewise
        expected = 1 + stored["background_variance"]
        found["background", "consistency"] = stored["background_chi_square"] / expected
    rows = [
        (date, name, product, "state", score, value)
        for (product, score), values in found.items()
        for date, value in values.to_series().dropna().items()
    ]
    return pd.DataFrame(rows, columns=list(ROW_COLUMNS))


def _settings_of(run: Run, store: Path) -> Config:
    """The configuration with the cycles and the sampler that a store was made with."""
    made = _stored_settings(store)
    sections = {
        "cycle": section_from_table(CycleConfig, made["cycle"]),
        "sampler": section_from_table(SamplerConfig, made["sampler"]),
    }
    return run.config.model_copy(update=sections)


def _stored_settings(store: Path) -> dict[str, Any]:
    """The configuration that a store was made with, as tables."""
    made = read_manifest(manifest_path(store)).config
    return {key: said for key, said in made.items() if key != "store"}


def _forecasts(run: Run, analyses: xr.Dataset, name: str) -> dict[str, xr.Dataset]:
    """Forecasts from some of the analyses, by lead, at their valid times; they lie on the disk."""
    settings, model = run.config.verification, configured_forecast_model(run.config)
    chosen = _verifiable(run, analyses, name)
    if not (chosen.sizes["time"] and settings.forecast_lead_hours):
        return {}
    times, members = chosen["time"].to_numpy(), np.arange(chosen.sizes["realization"])
    leads = sorted(settings.forecast_lead_hours)
    shape = (times.size, members.size, *run.layout.shape)
    found = {lead: mapped_array(run.folder.root, shape) for lead in leads}
    with progress_bar() as progress:
        for index in progress.track(range(len(times)), description=f"forecasts of {name}"):
            ensemble = state_from_dataset(chosen, run.layout, index)
            before = frame_before(model, analyses, run.layout, times[index])
            previous = None if before is None else State(before.values[0], run.layout)
            forecasts = forecasts_at(model, ensemble, times[index], leads, previous)
            for lead, forecast in zip(leads, forecasts, strict=True):
                found[lead][index] = forecast.values
    return {
        f"forecast {lead} h": dataset_from_values(
            found[lead],
            run.layout,
            {"time": times + np.timedelta64(lead, "h"), "realization": members},
        )
        for lead in settings.forecast_lead_hours
    }


def _verifiable(run: Run, analyses: xr.Dataset, name: str) -> xr.Dataset:
    """Every so many analyses, of those whose longest forecast ends within the truth."""
    settings = run.config.verification
    longest = max(settings.forecast_lead_hours, default=0)
    chosen = analyses.isel(time=slice(None, None, settings.forecast_every))
    ends = chosen["time"].to_numpy() + np.timedelta64(longest, "h")
    chosen = chosen.isel(time=slice(np.count_nonzero(ends <= run.last_time)))
    if not chosen.sizes["time"]:
        _LOG.warning(
            "%s: no forecast of %d h from one of its analyses ends before the truth does (%s), "
            "none is scored: shorten verification.forecast_lead_hours, or simulate more truth",
            *(name, longest, run.last_time),
        )
    return chosen


def _departures(observations: xr.Dataset) -> Iterator[Departures]:
    """Departures of every cycle."""
    for index in range(observations.sizes["time"]):
        of_date = observations.isel(time=index)
        value, background, analysis, error, variable, flag = (
            of_date[name].to_numpy() for name in _OF_DEPARTURES
        )
        yield Departures(value - background, value - analysis, error, variable, flag)
