"""Backgrounds taken from cycling: what a cycle meets, and no forecast from perturbed truth has.

A forecast that starts near the truth is shocked by a model whose balance is another one; in a
cycle the model has settled and its systematic errors have grown to where the observations hold
them. Latent 3D-Var, with the covariance of the youngest forecasts from perturbed truth, cycles
through segments of a period, each with its own network, density and observation errors; the first
cycles of a segment are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Float, Shaped
from rich.progress import Progress

from align_da.assimilation.contract import Analysis
from align_da.config import Config
from align_da.cycling.cycle import Cycle, CycleParts, CycleState
from align_da.cycling.cycles import cycles
from align_da.digests import digest_of
from align_da.errors import ConfigError
from align_da.forecast import ForecastModel
from align_da.parallel.cluster import run_tasks
from align_da.runs.analyses import latent_three_d_var
from align_da.runs.background_latents import encode_backgrounds, scaling_of
from align_da.runs.forecast_models import configured_forecast_model
from align_da.runs.observing_system import observing_system, quality_control_for
from align_da.runs.priors import FORECAST_SCALING, load_forecast_prior, load_space
from align_da.runs.run import Run, open_run
from align_da.runs.stage_graph import cycled_stage
from align_da.storage.background_pairs import BackgroundPairs
from align_da.storage.checkpoints import save_weights
from align_da.storage.compiled_programs import use_compilation_cache
from align_da.storage.durable import remove_unfinished
from align_da.storage.run_folder import RunFolder
from align_da.storage.stages import digest_of_stage
from data_pipelines.splits import SplitName, periods_of
from data_pipelines.template import is_made, write_region, write_template


@dataclass(frozen=True)
class Segment:
    """Consecutive cycles of one period, computed by one worker.

    Attributes:
        config: the run.
        folder: holds truth and backgrounds, receives the store.
        split: which period.
        number: of the segment in the period.
        of: segments of the period.
    """

    config: Config
    folder: Path
    split: SplitName
    number: int
    of: int

    def __str__(self) -> str:
        return f"segment {self.number} of the {self.split} period"


def make_cycled_backgrounds(
    config: Config, folder: Path, workers: int, progress: Progress
) -> None:
    """Cycle through every segment, or finish what was interrupted.

    Writes backgrounds_cycled_train.zarr and backgrounds_cycled_validation.zarr, laid out as the
    other backgrounds: `time` is that of the analysis that a background starts from, the only lead
    time is the cycle window.

    Args:
        config: seed and the sections of world, observations and [cycled_backgrounds].
        folder: holds the truth, the backgrounds of perturbed truth and the autoencoder.
        workers: processes to use.
        progress: shows the segments done.

    Raises:
        ConfigError: the segments do not fit into a period.
        StorageError: an input is missing, or a store belongs to another configuration.
        WorkerError: a segment has ended every worker that tried it.
    """
    run = open_run(config, folder)
    settings = config.cycled_backgrounds
    counts: dict[SplitName, int] = {"train": settings.segments, "validation": 1}
    segments = [
        Segment(config, folder, split, number, count)
        for split, count in counts.items()
        for number in range(count)
    ]
    defined_by = cycled_stage(config, run.folder).defined_by
    digest = digest_of(*defined_by, digest_of_stage(run.folder, "autoencoder"))
    for split, count in counts.items():
        _make_store(run, split, count, digest)
    missing = [segment for segment in segments if not _is_written(run.folder, segment)]
    if missing or not run.folder.weights(FORECAST_SCALING).exists():
        _save_first_guess(run)
    run_tasks(cycle_segment, missing, workers, progress, "cycled backgrounds")
    for split in counts:
        remove_unfinished(run.folder.backgrounds(f"cycled_{split}"))


def _save_first_guess(run: Run) -> None:
    """Save the statistics of latent increments that every segment assimilates with."""
    pairs = run.pairs("train")
    latents = encode_backgrounds(load_space(run), [pairs], [min(pairs.lead_hours)])
    scaling = scaling_of(run.config, latents)
    save_weights(run.folder.weights(FORECAST_SCALING), scaling, {"name": FORECAST_SCALING})


def cycle_segment(segment: Segment) -> None:
    """Cycle through `segment` and write its backgrounds. Runs in a worker process."""
    use_compilation_cache()
    run = _run_of(segment)
    method = latent_three_d_var(run, load_forecast_prior(run))
    kept = [np.asarray(cycle.background.values) for cycle in cycles_of(segment, method)]
    _write(run, segment, np.stack(kept))


def cycles_of(
    segment: Segment, method: Analysis, forecast_model: ForecastModel | None = None
) -> Iterator[Cycle]:
    """The cycles of `segment` with an analysis method, after its first ones."""
    run, settings = _run_of(segment), segment.config.cycled_backgrounds
    parts = CycleParts(
        forecast_model or configured_forecast_model(segment.config),
        method,
        segment.config.cycle.window_hours,
        quality_control_for(run),
        run.config.seed,
    )
    state, count = (
        _first_state(segment, run.pairs(segment.split)),
        settings.spin_up + settings.cycles,
    )
    times = state.valid_time + np.arange(1, count + 1) * parts.window
    observed = map(observing_system(run).observe, times, range(count))
    return islice(cycles(parts, state, observed), settings.spin_up, None)


def _run_of(segment: Segment) -> Run:
    """The run with the network, density and errors of this segment."""
    config = segment.config
    place = segment.number if segment.split == "train" else segment.number + segment.of + 1000
    densities = config.cycled_backgrounds.densities
    density = densities[segment.number % len(densities)]
    observed = config.observations.model_copy(update={"density": density})
    # A seed of its own keeps the network of the experiments out of the training data.
    changes = {"seed": config.seed + 1 + place, "observations": observed}
    return replace(open_run(config, segment.folder), config=config.model_copy(update=changes))


def _first_state(segment: Segment, pairs: BackgroundPairs) -> CycleState:
    """The oldest background of perturbed truth at the start of the segment."""
    lead = max(pairs.lead_hours)
    place = _places(segment.config, segment.split, segment.of, pairs)[segment.number]
    _, background = pairs.read(lead, slice(place, place + 1))
    return CycleState(background, pairs.valid_times(lead)[place])


def _places(config: Config, split: SplitName, count: int, pairs: BackgroundPairs) -> list[int]:
    """Which starts of the backgrounds begin a segment: evenly spread, each with room to its end.

    Raises:
        ConfigError: the segments overlap.
    """
    settings, window = config.cycled_backgrounds, config.cycle.window_hours
    valid = pairs.valid_times(max(pairs.lead_hours))
    length = np.timedelta64((settings.spin_up + settings.cycles) * window, "h")
    latest = valid[-1] - length
    first = valid[0] + np.arange(count) * (latest - valid[0]) / max(count - 1, 1)
    # The next start may be hours after `first`, too late for the cycles to end in the period.
    end = periods_of(config.world)[split].end
    fitting = np.searchsorted(valid, end - length, side="right") - 1
    places = np.minimum(np.searchsorted(valid, first), fitting)
    if latest < valid[0] or np.any(np.diff(valid[places]) < length):
        message = (
            f"{count} segments of {length} do not fit into the {split} period, backgrounds of "
            f"which are valid from {valid[0]} to {valid[-1]}: lower cycled_backgrounds.cycles or "
            "cycled_backgrounds.segments"
        )
        raise ConfigError(message)
    return [int(place) for place in places]


def _starts(
    config: Config, split: SplitName, count: int, pairs: BackgroundPairs
) -> Shaped[np.ndarray, " start"]:
    """Times of the analyses that the kept backgrounds of every segment start from."""
    settings, window = config.cycled_backgrounds, config.cycle.window_hours
    valid = pairs.valid_times(max(pairs.lead_hours))
    offset = np.arange(settings.spin_up, settings.spin_up + settings.cycles)
    apart = offset * np.timedelta64(window, "h")
    times = [valid[place] + apart for place in _places(config, split, count, pairs)]
    return np.concatenate(times).astype("datetime64[ns]")


def _leads(config: Config) -> Shaped[np.ndarray, " lead"]:
    return np.asarray([config.cycle.window_hours], "timedelta64[h]").astype("timedelta64[ns]")


def _make_store(run: Run, split: SplitName, count: int, digest: str) -> None:
    """The empty store of a period, where there is none.

    Raises:
        StorageError: there is one of another configuration.
    """
    config, store = run.config, run.folder.backgrounds(f"cycled_{split}")
    if is_made(store, digest):
        return
    title = f"Backgrounds taken from cycling in the {split} period"
    extra = xr.Dataset(attrs={"title": title, "configuration": digest})
    leading = {
        "time": _starts(config, split, count, run.pairs(split)),
        "prediction_timedelta": _leads(config),
    }
    write_template(store, run.layout, leading, config.cycled_backgrounds.cycles, extra)


def _is_written(folder: RunFolder, segment: Segment) -> bool:
    """Whether the store holds the backgrounds of a segment, every variable of them."""
    cycles = segment.config.cycled_backgrounds.cycles
    store = folder.backgrounds(f"cycled_{segment.split}")
    with xr.open_zarr(store, consolidated=False) as dataset:
        last = dataset.isel(time=(segment.number + 1) * cycles - 1)
        return all(bool(np.isfinite(values).all()) for values in last.data_vars.values())


def _write(
    run: Run, segment: Segment, values: Float[np.ndarray, "start lead lat lon channel"]
) -> None:
    """Write the backgrounds of a segment."""
    first = segment.number * len(values)
    pairs = run.pairs(segment.split)
    every = _starts(segment.config, segment.split, segment.of, pairs)
    starts = every[first : first + len(values)]
    leading = {"time": starts, "prediction_timedelta": _leads(segment.config)}
    store = run.folder.backgrounds(f"cycled_{segment.split}")
    write_region(store, values, run.layout, leading, first)
