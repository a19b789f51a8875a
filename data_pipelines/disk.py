"""The disk that data takes, from shapes: bytes that are not compressed."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from align_da.atmosphere import Layout
from align_da.config import Config
from align_da.runs.forecast_models import configured_forecast_model
from align_da.runs.rounds import with_next_round, with_round
from align_da.runs.run import Run, open_run
from align_da.storage.run_folder import RunFolder
from data_pipelines.backgrounds import starts_of
from data_pipelines.closed_loop import SPLITS, columns_of
from data_pipelines.segments import segments_of
from data_pipelines.splits import times_of_truth

Bytes = Mapping[str, int]
"""By what takes them."""
_FLOAT = 4  # bytes


def disk_of_data(command: str, config: Config, folder: Path) -> Bytes:
    """What a command writes, where its shapes are known before it begins.

    Args:
        command: without "align-da" and its options.
        config: the configuration.
        folder: of the run.

    Returns:
        Nothing where they are not: the truth, which says the layout, has not been made.
    """
    if command == "data truth":
        return _of_truth(config)
    if command not in _OF_LAYOUT or not RunFolder(folder).truth.exists():
        return {}
    return _OF_LAYOUT[command](open_run(config, folder))


def _of_truth(config: Config) -> Bytes:
    """The states of the nature run; nothing is known of ERA5 before it is read."""
    if config.era5 is not None:
        return {}
    model = configured_forecast_model(config)
    times = times_of_truth(config.world, model.step_hours).size
    return {f"{times} states": times * _state(model.layout)}


def _of_backgrounds(run: Run) -> Bytes:
    """Every forecast from every start."""
    leads = len(run.config.backgrounds.lead_hours)
    return _states(run, {name: it.size * leads for name, it in starts_of(run.config).items()})


def _of_cycled(run: Run) -> Bytes:
    """The cycles that are kept of every segment."""
    kept = run.config.cycled_backgrounds.cycles
    segments = {split: segments_of(run.config, run.folder.root, split) for split in SPLITS}
    return _states(run, {split: len(some) * kept for split, some in segments.items()})


def _of_next_round(run: Run) -> Bytes:
    """What the cycles of the round that is next have met, and the ensembles they end with."""
    config = with_next_round(run.config, run.folder)
    frames, found = configured_forecast_model(config).frames, {}
    for split in SPLITS:
        segments = segments_of(config, run.folder.root, split, closed_loop=True)
        columns = columns_of(run, segments[0]).values()
        cycle = sum(int(np.prod(it.shape)) * np.dtype(it.dtype).itemsize for it in columns)
        ends = len(segments) * frames * config.cycle.members * _state(run.layout)
        cycles = len(segments) * config.correction.cycles
        found[f"{cycles} cycles, {split}"] = cycles * cycle + ends
    return found


def _of_rounds(run: Run) -> Bytes:
    """The same of every round."""
    first = replace(run, config=with_round(run.config, 0))
    return {f"{what}, each round": size for what, size in _of_next_round(first).items()}


def _states(run: Run, counts: Mapping[str, int]) -> Bytes:
    size = _state(run.layout)
    return {f"{count} states, {split}": count * size for split, count in counts.items()}


def _state(layout: Layout) -> int:
    return _FLOAT * int(np.prod(layout.shape))


_OF_LAYOUT: Mapping[str, Callable[[Run], Bytes]] = {
    "data backgrounds": _of_backgrounds,
    "data coarse": _of_backgrounds,
    "data cycled": _of_cycled,
    "data closed_loop": _of_next_round,
    "data rounds": _of_rounds,
}
