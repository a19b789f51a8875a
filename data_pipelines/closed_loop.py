"""Cycles that a correction of analyses learns from, round after round.

The method of [cycle] goes through segments of the training and of the validation period, in every
round from where the one before has ended. Kept is what every cycle knew and how far its mean was
from the truth, or from observations that were withheld from it: what a network is trained on (see
`align_da.training.analysis_correction`).
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from jaxtyping import Shaped
from rich.progress import Progress

from align_da.assimilation.contract import LearnedIncrement
from align_da.atmosphere import State
from align_da.config import Config
from align_da.cycling.cycle import Cycle, CycleState
from align_da.errors import BadStateError, ConfigError, InputError, StorageError
from align_da.observations.batch import ObservationBatch
from align_da.observations.interpolation import InterpolationOperator
from align_da.parallel.cluster import run_tasks
from align_da.runs.analysis_methods import build_closed_loop
from align_da.runs.priors import cycle_forecast_model
from align_da.runs.run import Run, open_run
from align_da.runs.stage_graph import closed_loop_stage
from align_da.storage.compiled_programs import use_compilation_cache
from align_da.storage.durable import remove_unfinished
from align_da.storage.gridded import read_times
from align_da.storage.met_cycles import (
    EVIDENCE,
    Column,
    digest_of_store,
    is_written,
    make_store,
    read_end,
    read_met,
    write_end,
    write_met,
)
from align_da.storage.stage_definition import definition_digest
from align_da.storage.statistics import read_normalisation
from align_da.training.truth_target import TruthTarget
from align_da.training.withheld_target import WithheldTarget, withheld_target
from data_pipelines.segments import (
    Segment,
    cycles_before,
    cycles_of,
    observations_at_most,
    observations_of_segment,
    run_of,
    segments_of,
    starts_of,
)
from data_pipelines.splits import SplitName
from data_pipelines.withholding import Withholding

SPLITS: tuple[SplitName, ...] = ("train", "validation")
Kept = Mapping[str, np.ndarray]


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
    stage = closed_loop_stage(config, run.folder)
    digest = definition_digest(run.folder, stage)
    tasks, frames = [], cycle_forecast_model(run).frames
    for split in SPLITS:
        segments = segments_of(config, folder, split, closed_loop=True)
        _make_store(run, segments[0], frames, digest)
        tasks += [segment for segment in segments if not _is_written(run, segment)]
    run_tasks(cycle_segment, tasks, workers, progress, f"round {config.correction.number}")
    for split in SPLITS:
        remove_unfinished(_store(run, split))


def cycle_segment(segment: Segment) -> None:
    """Cycle through `segment` and write what it has met. Runs in a worker process.

    Raises:
        BadStateError: a cycle had no observations.
        InputError: nothing was withheld that could be learned from.
    """
    use_compilation_cache()
    run, model = run_of(segment), cycle_forecast_model(open_run(segment.config, segment.folder))
    hidden = _withholding(segment, run)
    kept, ended = [], []
    for cycle in cycles_of(
        segment,
        build_closed_loop(run),
        model,
        _state_before(run, segment),
        lambda observe: observe if hidden is None else hidden.observe,
    ):
        kept.append(_met(run, cycle, hidden))
        ended = [cycle.following.analysis, cycle.following.previous][: model.frames]
    store = _store(run, segment.split)
    if hidden is not None:
        kept = _of_one_size(kept, segment, read_met(store).sizes["observation"])
    arrays = {name: np.stack([one[name] for one in kept]) for name in kept[0]}
    write_end(store, np.stack([frame.values for frame in ended if frame]), segment.number)
    write_met(store, arrays, segment.number * len(kept))  # last: it says that a segment is done


def _withholding(segment: Segment, run: Run) -> Withholding | None:
    """What the cycles of a segment hide from their analyses; None where the truth is known."""
    settings = run.config.correction
    if settings.target == "truth":
        return None
    reported, _ = observations_of_segment(segment, run)
    return Withholding(reported, settings.withheld, run.config.seed)


def _of_one_size(kept: list[Kept], segment: Segment, size: int) -> list[Kept]:
    """The cycles of a segment with so many observations each, the last of them zeros.

    Raises:
        InputError: nothing was withheld in any of them.
    """
    if not any(one["counted"].any() for one in kept):
        message = (
            f"expected withheld observations in {segment}, got none in {len(kept)} cycles: raise "
            f"correction.withheld from {segment.config.correction.withheld:g}, or take denser "
            "observations"
        )
        raise InputError(message)
    return [
        {name: one[name] if name == EVIDENCE else _padded(one[name], size) for name in one}
        for one in kept
    ]


def _padded(array: Shaped[np.ndarray, "observation *corner"], size: int) -> np.ndarray:
    """The observations of a cycle followed by zeros."""
    return np.pad(array, [(0, size - len(array)), *[(0, 0)] * (array.ndim - 1)])


def _state_before(run: Run, segment: Segment) -> CycleState | None:
    """What the round before has ended a segment with; None where there was no such round.

    Raises:
        StorageError: that round is not done.
        ConfigError: it was one of other cycles.
    """
    number = run.config.correction.number
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
    number = cycles_before(segment)
    return CycleState(analysis, time, number, previous[0] if previous else None)


def _met(run: Run, cycle: Cycle, hidden: Withholding | None) -> Kept:
    """What a cycle knew, and what is known of its error."""
    target = _truth_of(run, cycle) if hidden is None else _withheld_of(run, cycle, hidden)
    told = {name: np.asarray(column)[0] for name, column in vars(target).items()}
    return {EVIDENCE: np.asarray(_learned(cycle).evidence), **told}


def _learned(cycle: Cycle) -> LearnedIncrement:
    """What the correction of a cycle started from.

    Raises:
        BadStateError: the cycle had no observations, so that there is nothing to correct.
    """
    if cycle.report.learned is None:
        message = (
            f"cycle {cycle.number} at {cycle.valid_time} has nothing to learn from, for its "
            "analysis used no observation: take denser observations, or withhold fewer of them"
        )
        raise BadStateError(message)
    return cycle.report.learned


def _truth_of(run: Run, cycle: Cycle) -> TruthTarget:
    """The error of a cycle."""
    learned, std = _learned(cycle), read_normalisation(run.folder.statistics).std
    truth = read_times(run.truth, run.layout, np.asarray([cycle.valid_time])).values[0]
    return TruthTarget(((truth - learned.mean) / std)[None], (learned.spread / std)[None])


def _withheld_of(run: Run, cycle: Cycle, hidden: Withholding) -> WithheldTarget:
    """What withheld observations say of the error of a cycle."""
    operator = linear_operator(run, cycle.observations)
    std = read_normalisation(run.folder.statistics).std
    return withheld_target(
        cycle.observations, hidden.learned_from(cycle), _learned(cycle), operator, std
    )


def linear_operator(run: Run, observations: ObservationBatch) -> InterpolationOperator:
    """H of observations whose departures a correction can learn from.

    Raises:
        ConfigError: it is another one than the interpolation, and not known to be linear.
    """
    operator = run.operator_for(observations, run.layout)
    if not isinstance(operator, InterpolationOperator):
        message = (
            "correction.target = 'observations' needs a linear observation operator, the "
            f"interpolation, got {type(operator).__name__}: set correction.target = 'truth', or "
            "observations.operator = 'interpolation'"
        )
        raise ConfigError(message)
    return operator


def _store(run: Run, split: SplitName) -> Path:
    return run.folder.closed_loop(run.config.correction.number, split)


def _make_store(run: Run, segment: Segment, frames: int, digest: str) -> None:
    """The empty store of the period of a segment, where there is none.

    Raises:
        StorageError: there is one of another configuration.
    """
    store = _store(run, segment.split)
    if store.exists():
        if digest_of_store(store) != digest:
            message = (
                f"{store} belongs to another configuration, or to other inputs or code of a "
                f"package (align-da list {run.folder.root} tells of those of finished stages): "
                "choose another folder, or remove it to have it made anew"
            )
            raise StorageError(message)
        return
    window = np.timedelta64(run.config.cycle.window_hours, "h")
    times = starts_of(segment, run.pairs(segment.split)) + window
    columns = columns_of(run, segment)
    ends = (segment.of, frames, run.config.cycle.members, *run.layout.shape)
    make_store(store, times, columns, ends, digest)


def columns_of(run: Run, segment: Segment) -> dict[str, Column]:
    """What is kept of every cycle in the period of a segment, see `_met`."""
    lat, lon, channels = run.layout.shape

    def field(name: str, count: int) -> Column:
        return Column(("lat", "lon", name), (lat, lon, count))

    evidence = field(EVIDENCE, channels * len(run.config.correction.evidence))
    if run.config.correction.target == "truth":
        told = {name: field(name, channels) for name in ("error", "spread")}
        return {EVIDENCE: evidence, **told}
    observations = observations_at_most(segment)
    number = Column(("observation",), (observations,))
    corner = Column(("observation", "corner"), (observations, 8))
    return {
        EVIDENCE: evidence,
        "departure": number,
        "spread": number,
        "index": replace(corner, dtype=np.int32),
        "weight": corner,
        "counted": replace(number, dtype=np.bool_),
    }


def _is_written(run: Run, segment: Segment) -> bool:
    """Whether the store holds what a segment has met."""
    last = (segment.number + 1) * run.config.correction.cycles - 1
    return is_written(_store(run, segment.split), last)
