"""The cycling loop: runs cycles, stores each one, and goes on where it was stopped.

Nothing but the store says how far a run has come. A resumed run reads the analysis ensemble of the
last complete cycle (of the last two, where the forecast model takes two frames), checks its digest
and computes the cycle after it; keys depend on the seed and the number of the cycle only. The
result is therefore the same, bit for bit, however often the run was killed. A cycle in hand when a
signal comes is left unless its analysis has begun.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from rich.progress import Progress

from align_da.assimilation.contract import Analysis
from align_da.atmosphere import State
from align_da.atmosphere.times import in_nanoseconds
from align_da.config import WatchdogConfig
from align_da.cycling.cycle import CycleState, QualityControl, assimilate, make_background
from align_da.cycling.record import OBSERVATION_FIELDS, SCALAR_FIELDS, record_of
from align_da.cycling.signals import stop_on_signal
from align_da.cycling.watchdog import Consistency, alarm, consistency_from, inflated, remember
from align_da.errors import BadStateError
from align_da.forecast.contract import ForecastModel
from align_da.keys import Purpose, key_for
from align_da.observations.batch import ObservationBatch
from align_da.storage.analysis_store import (
    AnalysisStore,
    open_store,
    read_analysis,
    read_scalars,
    write_cycle,
)
from align_da.storage.cycle_record import StoreTemplate
from align_da.storage.lock import owned
from align_da.storage.manifest import Manifest
from align_da.storage.store_files import lock_path


@dataclass(frozen=True)
class CyclingExperiment:
    """Everything that a cycling run is made of.

    Attributes:
        initial: ensemble at `start`, values [member, lat, lon, channel], SI units.
        start: valid time of `initial`; cycle 0 is valid one window later.
        window_hours: length of the cycle window.
        cycles: number of cycles.
        forecast_model: makes the backgrounds.
        observe: observations of a cycle by its number, always of the same padded size.
        quality_control: flags them, given the background ensemble.
        analysis: the assimilation method.
        seed: of every random draw.
        watchdog: what happens when the spread no longer explains the innovations.
    """

    initial: State
    start: np.datetime64
    window_hours: int
    cycles: int
    forecast_model: ForecastModel
    observe: Callable[[int], ObservationBatch]
    quality_control: QualityControl
    analysis: Analysis
    seed: int
    watchdog: WatchdogConfig = field(default_factory=WatchdogConfig)

    @property
    def times(self) -> np.ndarray:
        """Valid time of every cycle, [cycle].

        Raises:
            InputError: it is not within the years 1678 to 2261.
        """
        steps = np.arange(1, self.cycles + 1) * np.timedelta64(self.window_hours, "h")
        return in_nanoseconds(self.start + steps)


@dataclass(frozen=True)
class _Standing:
    """Where a run stands; everything of it is in the store.

    Attributes:
        state: the last analysis.
        store: every cycle up to it.
        memory: what the watchdog remembers of the last cycles.
    """

    state: CycleState
    store: AnalysisStore
    memory: tuple[Consistency, ...]


def run_experiment(
    experiment: CyclingExperiment,
    path: Path,
    manifest: Manifest,
    progress: Progress | None = None,
    warn: Callable[[str], None] | None = None,
) -> int:
    """Run every cycle that the store does not hold yet.

    Args:
        experiment: what to run.
        path: the store, ending in ".zarr".
        manifest: what defines the run; a store made by anything else is refused.
        progress: shows the cycles done; nothing is shown if None.
        warn: is given the warnings of the watchdog, one line each.

    Returns:
        Exit code: 0 if every cycle is complete, 130 or 143 if a signal ended the run before.

    Raises:
        StorageError: another process owns the store, or it is damaged, foreign or cannot be
            written.
        BadStateError: a background or analysis is not plausible, or the watchdog stops the run;
            the complete cycles are kept.
    """
    bar = progress or Progress(disable=True)
    with owned(lock_path(path)), stop_on_signal() as request, bar:
        store = open_store(path, _template(experiment), manifest)
        task = bar.add_task("cycles", total=experiment.cycles, completed=store.complete)
        now = _standing(experiment, store)
        _watch(experiment, now, None)
        while now.state.cycle < experiment.cycles:
            # Forecast and analysis are compiled calls of seconds: a signal is heard after each.
            background = None if request.received else _background(experiment, now)
            if background is None or request.received:
                return request.exit_code
            now = _analysed(experiment, now, background)
            bar.update(task, completed=now.store.complete)
            _watch(experiment, now, warn)
    return 0


def _background(experiment: CyclingExperiment, now: _Standing) -> State:
    """The background of the next cycle, inflated where the watchdog does that."""
    background = make_background(now.state, experiment.forecast_model, experiment.window_hours)
    watchdog = experiment.watchdog
    if watchdog.policy == "inflate" and alarm(now.memory, watchdog):
        return inflated(background, now.memory)
    return background


def _analysed(experiment: CyclingExperiment, now: _Standing, background: State) -> _Standing:
    """Analyse and store one cycle."""
    following, diagnostics = assimilate(
        now.state,
        background,
        experiment.quality_control,
        experiment.analysis,
        experiment.observe(now.state.cycle),
        experiment.window_hours,
        key_for(experiment.seed, Purpose.ANALYSIS, now.state.cycle),
    )
    record = record_of(following.analysis, diagnostics)
    store = write_cycle(now.store, record)
    memory = remember(now.memory, consistency_from(record.scalars), experiment.watchdog)
    return _Standing(following, store, memory)


def _watch(
    experiment: CyclingExperiment, now: _Standing, warn: Callable[[str], None] | None
) -> None:
    """Warn or stop where the ensemble has lost the truth, after the cycle is stored."""
    told = alarm(now.memory, experiment.watchdog)
    if told is None:
        return
    message = f"cycle {now.store.complete - 1}: {told}"
    if experiment.watchdog.policy == "stop":
        raise BadStateError(message)
    if warn is not None:
        warn(message)


def _standing(experiment: CyclingExperiment, store: AnalysisStore) -> _Standing:
    """Where the run stands according to the store."""
    if store.complete == 0:
        start = experiment.start.astype(experiment.times.dtype)
        return _Standing(CycleState(experiment.initial, start, 0), store, ())
    state = CycleState(
        read_analysis(store, store.complete - 1),
        experiment.times[store.complete - 1],
        store.complete,
        _previous(experiment, store),
    )
    return _Standing(state, store, _remembered(experiment, store))


def _previous(experiment: CyclingExperiment, store: AnalysisStore) -> State | None:
    """The ensemble before the last one, where the forecast model looks at it."""
    if experiment.forecast_model.frames == 1:
        return None
    if store.complete == 1:
        return experiment.initial
    return read_analysis(store, store.complete - 2)


def _remembered(experiment: CyclingExperiment, store: AnalysisStore) -> tuple[Consistency, ...]:
    """The last cycles that the watchdog can judge, oldest first."""
    if store.template.members == 1:  # never: there is no need to look through all cycles
        return ()
    newest_first = (
        consistency_from(read_scalars(store, cycle)) for cycle in reversed(range(store.complete))
    )
    judged = (cycle for cycle in newest_first if cycle.judged)
    return tuple(islice(judged, experiment.watchdog.cycles))[::-1]


def _template(experiment: CyclingExperiment) -> StoreTemplate:
    """Size and content of the store."""
    return StoreTemplate(
        layout=experiment.initial.layout,
        times=experiment.times,
        members=experiment.initial.values.shape[0],
        observations=experiment.observe(0).value.shape[0],
        observation_fields=OBSERVATION_FIELDS,
        scalar_fields=SCALAR_FIELDS,
    )
