"""The cycling loop: runs cycles, stores each one, and goes on where it was stopped.

Nothing but the store says how far a run has come. A resumed run reads the analysis ensemble of the
last complete cycle, checks its digest and computes the cycle after it; keys depend on the seed and
the number of the cycle only. The result is therefore the same, bit for bit, however often the run
was killed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.progress import Progress

from align_da.assimilation.contract import Analysis
from align_da.atmosphere import State
from align_da.cycling.cycle import CycleState, QualityControl, run_cycle
from align_da.cycling.record import OBSERVATION_FIELDS, SCALAR_FIELDS, record_of
from align_da.cycling.signals import stop_on_signal
from align_da.forecast.contract import ForecastModel
from align_da.keys import Purpose, key_for
from align_da.observations.batch import ObservationBatch
from align_da.storage.analysis_store import (
    AnalysisStore,
    open_store,
    read_last_analysis,
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

    @property
    def times(self) -> np.ndarray:
        """Valid time of every cycle, [cycle]."""
        steps = np.arange(1, self.cycles + 1) * np.timedelta64(self.window_hours, "h")
        return np.asarray(self.start + steps, dtype="datetime64[ns]")


def run_experiment(
    experiment: CyclingExperiment,
    path: Path,
    manifest: Manifest,
    progress: Progress | None = None,
) -> int:
    """Run every cycle that the store does not hold yet.

    Args:
        experiment: what to run.
        path: the store, ending in ".zarr".
        manifest: what defines the run; a store made by anything else is refused.
        progress: shows the cycles done; nothing is shown if None.

    Returns:
        Exit code: 0 if every cycle is complete, 130 or 143 if a signal ended the run before.

    Raises:
        StorageError: another process owns the store, or it is damaged, foreign or cannot be
            written.
        BadStateError: a background or analysis is not plausible; the cycles before it are kept.
    """
    bar = progress or Progress(disable=True)
    with owned(lock_path(path)), stop_on_signal() as request, bar:
        store = open_store(path, _template(experiment), manifest)
        task = bar.add_task("cycles", total=experiment.cycles, completed=store.complete)
        state = _state_of(experiment, store)
        while state.cycle < experiment.cycles:
            if request.received:
                return request.exit_code
            state, store = _advance(experiment, state, store)
            bar.update(task, completed=store.complete)
    return 0


def _advance(
    experiment: CyclingExperiment, state: CycleState, store: AnalysisStore
) -> tuple[CycleState, AnalysisStore]:
    """Compute and store one cycle."""
    following, diagnostics = run_cycle(
        state,
        experiment.forecast_model,
        experiment.quality_control,
        experiment.analysis,
        experiment.observe(state.cycle),
        experiment.window_hours,
        key_for(experiment.seed, Purpose.ANALYSIS, state.cycle),
    )
    return following, write_cycle(store, record_of(following.analysis, diagnostics))


def _state_of(experiment: CyclingExperiment, store: AnalysisStore) -> CycleState:
    """Where the run stands according to the store."""
    if store.complete == 0:
        return CycleState(experiment.initial, experiment.start.astype("datetime64[ns]"), 0)
    analysis = read_last_analysis(store)
    return CycleState(analysis, experiment.times[store.complete - 1], store.complete)


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
