"""The driver of the cycling loop: stores each cycle, and goes on where it was stopped.

Nothing but the store says how far a run has come. A resumed run reads the analysis ensemble of the
last complete cycle (of the last two, where the forecast model takes two frames), checks its digest
and computes the cycle after it; keys depend on the seed and the number of the cycle only. The
result is therefore the same, bit for bit, however often the run was killed. A cycle in hand when a
signal comes is left unless its analysis has begun.

What a cycle has cost is recorded beside the store when the cycle is complete: nothing follows from
it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from rich.progress import Progress

from align_da.atmosphere import State
from align_da.atmosphere.times import in_nanoseconds
from align_da.cycling.convergence import left_unsolved
from align_da.cycling.cost_meter import CostMeter, Reading
from align_da.cycling.cycle import CycleParts, CycleState
from align_da.cycling.cycles import cycles
from align_da.cycling.record import (
    SCALAR_FIELDS,
    member_fields,
    observation_fields,
    record_of,
)
from align_da.cycling.rejection import all_rejected
from align_da.cycling.signals import stop_on_signal
from align_da.cycling.watchdog import AlarmRule, Consistency, Watchdog, consistency_from
from align_da.observations.batch import ObservationBatch
from align_da.storage.analysis_store import (
    AnalysisStore,
    open_store,
    read_analysis,
    read_scalars,
    write_cycle,
)
from align_da.storage.cycle_costs import begin_costs
from align_da.storage.cycle_record import StoreTemplate
from align_da.storage.extension import extend_store
from align_da.storage.lock import owned
from align_da.storage.manifest import Manifest
from align_da.storage.process_usage import usage_so_far
from align_da.storage.store_places import costs_path, lock_path

_COMPILING = "cycles, compiling"
"""What a bar says until the first cycle of a process is done, most of whose time this is."""


@dataclass(frozen=True)
class CyclingExperiment:
    """Everything that a cycling run is made of.

    Attributes:
        parts: what every cycle is made of.
        initial: ensemble at `start`, values [member, lat, lon, channel], SI units.
        start: valid time of `initial`; cycle 0 is valid one window later.
        cycles: number of cycles.
        observe: observations of a cycle by its number, always of the same padded size.
        watchdog: what happens when the spread no longer explains the innovations.
    """

    parts: CycleParts
    initial: State
    start: np.datetime64
    cycles: int
    observe: Callable[[int], ObservationBatch]
    watchdog: AlarmRule = field(default_factory=AlarmRule)

    @property
    def times(self) -> np.ndarray:
        """Valid time of every cycle, [cycle].

        Raises:
            InputError: it is not within the years 1678 to 2261.
        """
        return in_nanoseconds(self.start + np.arange(1, self.cycles + 1) * self.parts.window)


def run_experiment(
    experiment: CyclingExperiment,
    path: Path,
    manifest: Manifest,
    progress: Progress | None = None,
    warn: Callable[[str], None] | None = None,
    *,
    extend: bool = False,
    reading: Reading = usage_so_far,
) -> int:
    """Run every cycle that the store does not hold yet.

    Args:
        experiment: what to run.
        path: the store, ending in ".zarr".
        manifest: what defines the run; a store made by anything else is refused.
        progress: shows the cycles done; nothing is shown if None.
        warn: is given the warnings of the watchdog and of the solver, every member that was
            replaced and every cycle all of whose reports were rejected, one line each.
        extend: whether a store of fewer cycles is given room for those of the experiment; it ends
            as one that was made with them.
        reading: what this process has used so far, for what the cycles cost.

    Returns:
        Exit code: 0 if every cycle is complete, 130 or 143 if a signal ended the run before.

    Raises:
        StorageError: another process owns the store, or it is damaged, foreign or cannot be
            written.
        ConfigError: a store that was to be extended has more cycles.
        BadStateError: more members of a background or analysis than may be replaced are not
            plausible, or the watchdog stops the run; the complete cycles are kept.
    """
    bar = progress or Progress(disable=True)
    with owned(lock_path(path)), stop_on_signal() as request, bar:
        template = _template(experiment)
        if extend and path.exists():
            extend_store(path, template, manifest)
        store = open_store(path, template, manifest)
        left = store.complete < experiment.cycles
        task = bar.add_task(
            _COMPILING if left else "cycles",
            total=experiment.cycles,
            completed=store.complete,
        )
        watchdog = Watchdog(experiment.watchdog, _remembered(experiment, store))
        watchdog.judge(store.complete - 1, None)
        meter = _begun_meter(experiment, store, reading, warn)
        # Forecast and analysis are compiled calls of seconds: a signal is heard after each.
        for cycle in cycles(
            experiment.parts,
            _reached(experiment, store),
            map(experiment.observe, range(store.complete, experiment.cycles)),
            watchdog.adjusted,
            lambda: request.received,
        ):
            record = record_of(cycle)
            store = write_cycle(store, record)
            meter.record(cycle.number)
            watchdog.remember(consistency_from(record.scalars))
            bar.update(task, completed=store.complete, description="cycles")
            if warn is not None:
                for line in (
                    *map(str, cycle.replaced),
                    *all_rejected(cycle.number, cycle.observations.flag),
                    *left_unsolved(cycle.number, record.scalars),
                ):
                    warn(line)
            watchdog.judge(cycle.number, warn)
    return 0 if store.complete == experiment.cycles else request.exit_code


def _begun_meter(
    experiment: CyclingExperiment,
    store: AnalysisStore,
    reading: Reading,
    warn: Callable[[str], None] | None,
) -> CostMeter:
    """A meter of the cycles that are left; what cannot be read of those before is dropped."""
    if store.complete < experiment.cycles:  # else nothing beside the store is touched
        damaged = begin_costs(store.path, store.complete)
        if damaged and warn is not None:
            warn(
                f"{costs_path(store.path)}: {damaged} lines were not as they had been written: "
                "what these cycles have cost is no longer known"
            )
    return CostMeter(store.path, reading)


def _reached(experiment: CyclingExperiment, store: AnalysisStore) -> CycleState:
    """How far the run has come according to the store."""
    if store.complete == 0:
        return CycleState(experiment.initial, experiment.start.astype(experiment.times.dtype))
    last = store.complete - 1
    return CycleState(
        read_analysis(store, last),
        experiment.times[last],
        store.complete,
        _previous(experiment, store),
        int(read_scalars(store, last)["replaced_members"]),
    )


def _previous(experiment: CyclingExperiment, store: AnalysisStore) -> State | None:
    """The ensemble before the last one, where the forecast model looks at it."""
    if experiment.parts.forecast_model.frames == 1:
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
    layout = experiment.initial.layout
    return StoreTemplate(
        layout=layout,
        times=experiment.times,
        members=experiment.initial.values.shape[0],
        observations=experiment.observe(0).value.shape[0],
        observation_fields=observation_fields(layout),
        scalar_fields=SCALAR_FIELDS,
        member_fields=member_fields(layout),
    )
