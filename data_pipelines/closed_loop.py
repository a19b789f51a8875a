"""Cycles that a correction of analyses learns from, round after round.

The method of [cycle] goes through segments of the training and of the validation period, in every
round from where the one before has ended. Kept is what every cycle knew and how far its mean was
from the truth: what a network is trained on (see `align_da.training.analysis_correction`).
"""

from collections.abc import Mapping
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from rich.progress import Progress

from align_da.atmosphere import State
from align_da.config import Config
from align_da.cycling.cycle import Cycle, CycleState
from align_da.errors import BadStateError, ConfigError, StorageError
from align_da.parallel.cluster import run_tasks
from align_da.runs.analyses import build_closed_loop, stages_of_cycles
from align_da.runs.priors import cycle_forecast_model
from align_da.runs.run import Run, open_run
from align_da.runs.stage_graph import closed_loop_stage
from align_da.storage.compiled_programs import use_compilation_cache
from align_da.storage.durable import remove_unfinished
from align_da.storage.gridded import read_times
from align_da.storage.met_cycles import (
    FIELDS,
    digest_of_store,
    is_written,
    make_store,
    read_end,
    write_end,
    write_met,
)
from align_da.storage.stages import definition_digest
from align_da.storage.statistics import read_normalisation
from data_pipelines.segments import Segment, cycles_of, run_of, segments_of, starts_of
from data_pipelines.splits import SplitName

SPLITS: tuple[SplitName, ...] = ("train", "validation")
Kept = Mapping[str, Float[np.ndarray, "lat lon field"]]


def make_closed_loop(config: Config, folder: Path, workers: int, progress: Progress) -> None:
    """Cycle through every segment of a round, or finish what was interrupted.

    Writes closed_loop_ROUND_train.zarr and closed_loop_ROUND_validation.zarr.

    Args:
        config: the section [correction] says which round.
        folder: of the run; holds what the method of [cycle] reads, and the round before.
        workers: processes to use.
        progress: shows the segments done.

    Raises:
        ConfigError: the segments do not fit into a period, or are not those of the round before.
        StorageError: an input is missing, or a store belongs to another configuration.
        WorkerError: a segment has ended every worker that tried it.
    """
    run = open_run(config, folder)
    stage = closed_loop_stage(config, run.folder, stages_of_cycles(config))
    digest = definition_digest(run.folder, stage)
    tasks, frames = [], cycle_forecast_model(run).frames
    for split in SPLITS:
        segments = segments_of(config, folder, split, closed_loop=True)
        _make_store(run, segments[0], frames, digest)
        tasks += [segment for segment in segments if not _is_written(run, segment)]
    run_tasks(cycle_segment, tasks, workers, progress, f"round {config.correction.round}")
    for split in SPLITS:
        remove_unfinished(_store(run, split))


def cycle_segment(segment: Segment) -> None:
    """Cycle through `segment` and write what it has met. Runs in a worker process."""
    use_compilation_cache()
    run, model = run_of(segment), cycle_forecast_model(open_run(segment.config, segment.folder))
    kept, ended = [], []
    for cycle in cycles_of(segment, build_closed_loop(run), model, _state_before(run, segment)):
        kept.append(_met(run, cycle))
        ended = [cycle.following.analysis, cycle.following.previous][: model.frames]
    arrays = {name: np.stack([one[name] for one in kept]) for name in FIELDS}
    store = _store(run, segment.split)
    write_end(store, np.stack([frame.values for frame in ended if frame]), segment.number)
    write_met(store, arrays, segment.number * len(kept))  # last: it says that a segment is done


def _state_before(run: Run, segment: Segment) -> CycleState | None:
    """What the round before has ended a segment with; None where there was no such round.

    Raises:
        StorageError: that round is not done.
        ConfigError: it was one of other cycles.
    """
    number = run.config.correction.round
    if number == 0:
        return None
    before = run.folder.closed_loop(number - 1, segment.split)
    frames, time = read_end(before, segment.number)
    start = starts_of(segment, run.pairs(segment.split))[segment.number * segment.plan.cycles]
    if time != start:
        message = (
            f"expected {segment} of round {number - 1} to end at {start}, it ended at {time}: "
            "leave correction.cycles, rounds, segments and spin_up as they were before"
        )
        raise ConfigError(message)
    analysis, *previous = (State(jnp.asarray(frame), run.layout) for frame in frames)
    return CycleState(analysis, time, previous=previous[0] if previous else None)


def _met(run: Run, cycle: Cycle) -> Kept:
    """What a cycle knew, its error and its spread, in standard deviations of the states.

    Raises:
        BadStateError: the cycle had no observations, so that there is nothing to correct.
    """
    learned = cycle.report.learned
    if learned is None:
        message = f"cycle {cycle.number} at {cycle.valid_time} has nothing to learn from"
        raise BadStateError(message)
    truth = read_times(run.truth, run.layout, np.asarray([cycle.valid_time])).values[0]
    std = read_normalisation(run.folder.statistics).std
    return {
        "evidence": np.asarray(learned.evidence),
        "error": np.asarray((truth - learned.mean) / std),
        "spread": np.asarray(learned.spread / std),
    }


def _store(run: Run, split: SplitName) -> Path:
    return run.folder.closed_loop(run.config.correction.round, split)


def _make_store(run: Run, segment: Segment, frames: int, digest: str) -> None:
    """The empty store of the period of a segment, where there is none.

    Raises:
        StorageError: there is one of another configuration.
    """
    store = _store(run, segment.split)
    if store.exists():
        if digest_of_store(store) != digest:
            message = (
                f"{store} belongs to another configuration: choose another folder, or remove it "
                "to have it made anew"
            )
            raise StorageError(message)
        return
    window = np.timedelta64(run.config.cycle.window_hours, "h")
    times = starts_of(segment, run.pairs(segment.split)) + window
    lat, lon, channels = run.layout.shape
    inputs = channels * len(run.config.correction.evidence)
    fields = {"evidence": inputs, "error": channels, "spread": channels}
    shapes = {name: (lat, lon, count) for name, count in fields.items()}
    ends = (segment.of, frames, run.config.cycle.members, lat, lon, channels)
    make_store(store, times, shapes, ends, digest)


def _is_written(run: Run, segment: Segment) -> bool:
    """Whether the store holds what a segment has met."""
    last = (segment.number + 1) * run.config.correction.cycles - 1
    return is_written(_store(run, segment.split), last)
