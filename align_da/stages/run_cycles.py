"""Run the assimilation cycle over the test period, or to tune a method, over the validation."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from align_da.config import Config
from align_da.cycling.cycle import QualityControl
from align_da.cycling.driver import CyclingExperiment, run_experiment
from align_da.observations.batch import ObservationBatch
from align_da.parallel.progress import progress_bar
from align_da.runs.filed_reports import FiledObservations, quality_control_of_reports
from align_da.runs.forecast_model import forecast_model_digests
from align_da.runs.initial_ensemble import initial_ensemble
from align_da.runs.methods import build_analysis
from align_da.runs.observing_system import observing_system, quality_control_for
from align_da.runs.priors import MODEL_ERROR, cycle_forecast_model
from align_da.runs.run import Run, open_run
from align_da.storage.manifest import manifest_of
from align_da.storage.stage_record import is_finished
from align_da.storage.stages import check_products, digest_of_stage

_LATENT_METHODS = {"latent_three_d_var", "latent_score"}
_UNDER_A_PRIOR = ("autoencoder", "denoiser")
"""Stages whose weights lie under every prior; the shipped weights come without the first."""


def run_cycles(config: Config, folder: Path, name: str) -> int:
    """Cycle, or go on with a cycling run that was stopped.

    Returns:
        The exit code: 0 when every cycle is complete.

    Raises:
        StorageError: an input is missing, or the store belongs to another run.
        BadStateError: a state is not plausible.
    """
    run = open_run(config, folder)
    observe, quality_control = _observations(run)
    initial, start = initial_ensemble(run)
    window = np.timedelta64(config.cycle.window_hours, "h")
    experiment = CyclingExperiment(
        initial=initial,
        start=start,
        window_hours=config.cycle.window_hours,
        cycles=config.cycle.cycles,
        forecast_model=cycle_forecast_model(run),
        observe=lambda cycle: observe(start + (cycle + 1) * window, cycle),
        quality_control=quality_control,
        analysis=build_analysis(run, config.cycle.method, config.cycle.prior),
        seed=config.seed,
        watchdog=config.cycle.watchdog,
    )
    manifest = manifest_of(config, config.seed, _inputs(run))
    bar = progress_bar()
    warn = partial(bar.console.print, style="yellow", highlight=False)
    return run_experiment(experiment, run.folder.cycles(name), manifest, bar, warn)


def _observations(
    run: Run,
) -> tuple[Callable[[np.datetime64, int], ObservationBatch], QualityControl]:
    """The observations of a time and a cycle, and how they are checked."""
    settings = run.config.reports
    if settings is not None:
        filed = FiledObservations(run, settings)
        return lambda time, _: filed.observe(time), quality_control_of_reports(run)
    system = observing_system(run)
    return system.observe, quality_control_for(run)


def _inputs(run: Run) -> dict[str, str]:
    """Digests of the stages that the run reads, and of the files of its forecast model.

    Raises:
        StorageError: a stage has not been finished, or what it made is missing or has changed.
    """
    cycle, names = run.config.cycle, ["backgrounds"]
    if cycle.method == "latent_three_d_var":
        names.append("denoiser")  # the stage that made the covariance
    elif cycle.method == "three_d_var":
        names.append("covariance")
    elif cycle.method == "latent_score":
        names.append("denoiser" if cycle.prior in {"static", "reference"} else cycle.prior)
    if cycle.model_error_share > 0:
        names.append(MODEL_ERROR)
    if run.config.reports is not None:
        names.append("observations")
    digests = {name: digest_of_stage(run.folder, name) for name in names}
    learned = cycle.method in _LATENT_METHODS or cycle.model_error_share > 0
    under = [name for name in _UNDER_A_PRIOR if learned and is_finished(run.folder, name)]
    for name in {*names, *under}:
        check_products(run.folder, name)
    return digests | forecast_model_digests(run.config)
