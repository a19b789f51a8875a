"""Run the assimilation cycle over the test period, or to tune a method, over the validation."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from align_da.assimilation.localisation_reach import told_of_reach
from align_da.config import Config
from align_da.cycling.cycle import CycleParts, QualityControl
from align_da.cycling.driver import CyclingExperiment, run_experiment
from align_da.cycling.replacement import ReplacementRule
from align_da.cycling.watchdog import AlarmRule
from align_da.errors import ConfigError
from align_da.keys import Purpose, key_for
from align_da.observations.outage import Outage
from align_da.parallel.progress import progress_bar
from align_da.registry import (
    ANALYSES,
    GUIDANCES,
    OBSERVATION_OPERATORS,
    SAMPLERS,
    STATE_VARIABLES,
)
from align_da.runs.analysis_methods import build_analysis, filter_of_cycles
from align_da.runs.filed_reports import FiledObservations, observations_of
from align_da.runs.forecast_model_files import boundary_digests, forecast_model_digests
from align_da.runs.initial_ensemble import initial_ensemble
from align_da.runs.parts import digests_of_foreign
from align_da.runs.priors import cycle_forecast_model
from align_da.runs.rounds import with_last_round
from align_da.runs.run import Run, open_run
from align_da.runs.shipped_parts import digests_of_shipped
from align_da.runs.stage_graph import inputs_of_cycles
from align_da.stages.told_of_correction import told_of_correction
from align_da.storage.manifest import manifest_of
from align_da.storage.reads import by_place, noting_reads
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import digest_of_stage
from align_da.storage.stages import check_with_inputs


def run_cycles(config: Config, folder: Path, name: str, *, extend: bool = False) -> int:
    """Cycle, or go on with a cycling run that was stopped.

    Where analyses are corrected and the configuration names no round, it is the last one.

    Args:
        config: the configuration.
        folder: of the run.
        name: of the cycles.
        extend: whether cycles that are there and differ in nothing but their number are followed
            by more.

    Returns:
        The exit code: 0 when every cycle is complete.

    Raises:
        ConfigError: there are more cycles than are to follow, or the truth that is observed does
            not last as long as they do or has no state at their times.
        StorageError: an input is missing, or the store belongs to another run.
        BadStateError: more members than may be replaced are not plausible.
        InputError: no report from files can ever be used, or none of a type that is required.
    """
    given, config = config, with_last_round(config, RunFolder(folder))
    with noting_reads() as reads:
        run = open_run(config, folder)
        filed = None if config.reports is None else FiledObservations(run, config.reports)
        experiment = _experiment(run, filed)
        told = [] if filed is None else filed.told(_period(experiment))
    told += told_of_correction(given, config, run.folder)
    told += _told_of_reach(run, experiment)
    manifest = manifest_of(config, config.seed, _inputs(run), by_place(reads, folder))
    bar = progress_bar()
    warn = partial(bar.console.print, style="yellow", highlight=False)
    for line in told:
        warn(line)
    store = run.folder.cycles(name)
    return run_experiment(experiment, store, manifest, bar, warn, extend=extend)


def _experiment(run: Run, filed: FiledObservations | None) -> CyclingExperiment:
    """Everything that the run is made of, loaded; its reports if it has any."""
    config = run.config
    observe, quality_control = observations_of(run, filed)
    initial, start = initial_ensemble(run)
    if filed is None:
        _check_truth_lasts(run, start)
    parts = cycle_parts(run, quality_control)
    outage = Outage(**dict(config.cycle.outage), key=key_for(config.seed, Purpose.OUTAGE))
    return CyclingExperiment(
        parts=parts,
        initial=initial,
        start=start,
        cycles=config.cycle.cycles,
        observe=lambda cycle: outage.applied_to(
            observe(start + (cycle + 1) * parts.window, cycle), cycle
        ),
        watchdog=AlarmRule(**dict(config.cycle.watchdog)),
    )


def _check_truth_lasts(run: Run, start: np.datetime64) -> None:
    """Refuse cycles beyond the truth: it would be found out when the last of them begins.

    So are windows between its states, which was made with another `world.step_hours` then.
    """
    cycle, times = run.config.cycle, run.truth["time"].to_numpy()
    window = np.timedelta64(cycle.window_hours, "h")
    if times.size > 1 and window % (apart := times[1] - times[0]):
        message = (
            f"cycle.window_hours = {cycle.window_hours} needs a truth at these times, and its "
            f"states are {apart.astype('timedelta64[h]')} apart: take a multiple, or set "
            "world.step_hours and make the truth anew"
        )
        raise ConfigError(message)
    room = int((run.last_time - start) // window)
    if cycle.cycles > room:
        message = (
            f"expected at most {room} cycles, as many as the truth has room for from {start} "
            f"on, got cycle.cycles = {cycle.cycles}: lower it, or make the period longer "
            f"(world.{cycle.split}_days) and the truth again"
        )
        raise ConfigError(message)


def _told_of_reach(run: Run, experiment: CyclingExperiment) -> Iterator[str]:
    """Where the localisation of a filter does nothing, or leaves columns without observations."""
    method = filter_of_cycles(run)
    if method is not None:
        yield from told_of_reach(method, experiment.observe(0), run.layout.grid)


def cycle_parts(run: Run, quality_control: QualityControl | None) -> CycleParts:
    """What every cycle of a run is made of, as its configuration says.

    Args:
        run: the run.
        quality_control: flags the observations.

    Raises:
        StorageError: what the run has learned is missing or damaged.
    """
    cycle = run.config.cycle
    return CycleParts(
        cycle_forecast_model(run),
        build_analysis(run),
        cycle.window_hours,
        quality_control,
        run.config.seed,
        cycle.physical_bounds,
        ReplacementRule(**dict(cycle.replacement)),
        run.operator_for,
        cycle.trajectory_hours,
    )


def _period(experiment: CyclingExperiment) -> tuple[np.datetime64, np.datetime64]:
    """Start and end of all windows."""
    half = np.timedelta64(30 * experiment.parts.window_hours, "m")
    length = experiment.cycles * experiment.parts.window
    return experiment.start + half, experiment.start + length + half


def _inputs(run: Run) -> dict[str, str]:
    """Digests of the stages that the run reads, the files of its forecast model, foreign parts.

    Raises:
        StorageError: a stage has not been finished, or what it or a stage below it made is missing
            or has changed.
    """
    config, cycle = run.config, run.config.cycle
    names = inputs_of_cycles(config)
    check_with_inputs(run.folder, names)
    return (
        {name: digest_of_stage(run.folder, name) for name in names}
        | digests_of_shipped(config)
        | forecast_model_digests(config)
        | boundary_digests(config)
        | digests_of_foreign(ANALYSES, cycle.method)
        | digests_of_foreign(GUIDANCES, config.guidance.method)
        | digests_of_foreign(SAMPLERS, config.sampler.kind)
        | digests_of_foreign(OBSERVATION_OPERATORS, config.observations.operator)
        | digests_of_foreign(STATE_VARIABLES, *run.layout.variables)
    )
