"""Single analyses of several methods on the same backgrounds, dates and observations."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from align_da.assimilation.contract import Analysis, AnalysisDiagnostics
from align_da.assimilation.free_run import FreeRun
from align_da.atmosphere import State
from align_da.atmosphere.balance import has_mass_and_wind
from align_da.atmosphere.balance_score import balance_scores
from align_da.config import Config
from align_da.forecast import ForecastModel
from align_da.keys import Purpose, key_for
from align_da.observations.batch import ObservationBatch
from align_da.parallel.progress import progress_bar
from align_da.prior.latent_prior import LatentPrior
from align_da.runs.alignment_cases import verifiable_places
from align_da.runs.analyses import SingleAnalyses, draws_are_centred
from align_da.runs.analysis_methods import SingleAnalysis, latent_score, single_analyses
from align_da.runs.forecast_models import configured_forecast_model, frame_before
from align_da.runs.observing_system import observing_system, quality_control_for
from align_da.runs.priors import load_prior
from align_da.runs.run import Run, bootstrap_of, open_run
from align_da.storage.gridded import read_times
from align_da.storage.lock import lock_beside, owned
from align_da.storage.tables import write_table
from align_da.verification.cost import measured
from align_da.verification.score_table import ROW_COLUMNS, summarise_scores
from align_da.verification.verified_fields import default_fields
from align_da.verification.verify_cycles import score_cycle

REFERENCE = "background"


def benchmark(config: Config, folder: Path, name: str) -> None:
    """Run every configured method, and write the rows of scores and their summary as CSV.

    Raises:
        StorageError: an input is missing or damaged, or another process writes the table.
    """
    run = open_run(config, folder)
    target = run.folder.report / "benchmark" / f"{name}.csv"
    with owned(lock_beside(target)):
        _write_rows(run, target)


def _write_rows(run: Run, target: Path) -> None:
    """Write the summary to `target`, and the rows beside it."""
    config = run.config
    rows = score_dates(run, methods_of(run))
    key = key_for(config.seed, Purpose.VERIFICATION)
    summary = summarise_scores(rows, REFERENCE, bootstrap_of(config), key)
    write_table(target.with_name(f"{target.stem}_rows.csv"), rows)
    write_table(target, summary)


def methods_of(run: Run) -> dict[str, SingleAnalysis]:
    """The background, the peers, the prior without a network, and the learned priors."""
    settings, static = run.config.benchmark, load_prior(run, "static")
    methods = {REFERENCE: SingleAnalysis(FreeRun(run.operator_for), centred=True)}
    use = SingleAnalyses(settings.background_lead_hours, settings.members)
    methods |= single_analyses(run, settings.peers, use)
    methods["jfps static"] = _guided(run, static, "jfps")
    asked = [
        *((name, settings.guidance) for name in settings.priors),
        *((name, settings.control_guidance) for name in settings.controls),
    ]
    for name, guidance in asked:
        prior = load_prior(run, name)
        methods |= {f"{method} {name}": _guided(run, prior, method) for method in guidance}
    return methods


def _guided(run: Run, prior: LatentPrior, method: str) -> SingleAnalysis:
    """The learned method with one guidance at the strength that [benchmark] gives it."""
    settings = run.config.benchmark
    guidance = run.config.guidance.of(method, settings.strengths.get(method))
    changed = run.config.model_copy(update={"guidance": guidance})
    analysis = latent_score(replace(run, config=changed), prior, settings.members)
    return SingleAnalysis(analysis, draws_are_centred(changed.sampler, settings.members))


@dataclass(frozen=True)
class BenchmarkCase:
    """A date of the benchmark.

    Attributes:
        number: of the date, of its observation errors and its draws.
        time: valid time of the analysis.
        background: the same for every member, values [member, lat, lon, channel].
        truth: at that time.
        observations: of the truth, checked against the background.
        key: of the draws.
    """

    number: int
    time: np.datetime64
    background: State
    truth: State
    observations: ObservationBatch
    key: jax.Array


def benchmark_cases(run: Run) -> Iterator[BenchmarkCase]:
    """The dates of the benchmark, in order, with a bar of those that are done."""
    settings = run.config.benchmark
    lead = settings.background_lead_hours
    pairs = run.pairs_of_lead(settings.split, lead)
    system = observing_system(run)
    control = quality_control_for(run)
    places = verifiable_places(
        run.last_time, pairs, lead, settings.forecast_lead_hours, settings.dates
    )
    with progress_bar() as progress:
        for number, place in enumerate(progress.track(places, description="benchmark")):
            truth, background = pairs.read(lead, slice(place, place + 1))
            time = pairs.valid_times(lead)[place]
            observations = control(system.observe(time, number), background)
            members = jnp.repeat(background.values, settings.members, axis=0)
            yield BenchmarkCase(
                number,
                time,
                State(members, background.layout),
                State(truth.values[0], truth.layout),
                observations,
                key_for(run.config.seed, Purpose.ANALYSIS, number),
            )


def score_dates(run: Run, methods: Mapping[str, SingleAnalysis]) -> pd.DataFrame:
    """Rows of scores of every method at every date; see `verification.score_table`."""
    settings, model = run.config.benchmark, configured_forecast_model(run.config)
    ahead = np.timedelta64(settings.forecast_lead_hours, "h")
    lead = float(settings.background_lead_hours)
    rows: list[tuple[object, ...]] = []
    for case in benchmark_cases(run):
        later = read_times(run.truth, run.layout, np.asarray([case.time + ahead]))
        truths = case.truth, State(later.values[0], later.layout)
        for name, one in methods.items():
            (analysis, report), cost = measured(partial(_finished, one.method, case, lead))
            values = _scores(run, model, analysis, truths, case.time, centred=one.centred)
            values["state", "chi_square"] = float(report.chi_square)
            compiles = case.number == 0
            values["state", "seconds"] = float("nan") if compiles else cost.seconds
            values["state", "megabytes"] = float("nan") if compiles else cost.megabytes
            rows += [
                (case.time, name, "analysis", *field, value) for field, value in values.items()
            ]
    return pd.DataFrame(rows, columns=list(ROW_COLUMNS))


def _finished(
    method: Analysis, case: BenchmarkCase, lead_hours: float
) -> tuple[State, AnalysisDiagnostics]:
    """The analysis of a case, waited for."""
    analysis, report = method(case.background, case.observations, lead_hours, case.key)
    report.chi_square.block_until_ready()  # it needs the analysis
    return analysis, report


def _scores(
    run: Run,
    model: ForecastModel,
    analysis: State,
    truths: tuple[State, State],
    time: np.datetime64,
    *,
    centred: bool,
) -> dict[tuple[str, str], float]:
    """Scores of an analysis ensemble and of the forecast from its mean, against both truths."""
    truth, later = truths
    found = score_cycle(analysis, truth, default_fields(run.layout), centred=centred)
    if has_mass_and_wind(run.layout):
        balance = balance_scores(
            analysis, truth, run.surface_geopotential, run.balance_variability
        )
        found |= {("state", name): float(jnp.mean(value)) for name, value in balance.items()}
    mean = State(analysis.values.mean(axis=0, keepdims=True), analysis.layout)
    before = frame_before(model, run.truth, run.layout, time)
    forecast = model.forecast(mean, time, run.config.benchmark.forecast_lead_hours, before)
    scored = score_cycle(forecast, later, default_fields(run.layout))
    found |= {
        (field, f"forecast_{score}"): value
        for (field, score), value in scored.items()
        if score == "rmse"
    }
    return found
