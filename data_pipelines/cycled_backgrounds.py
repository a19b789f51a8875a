"""Backgrounds taken from cycling: what a cycle meets, and no forecast from perturbed truth has.

A forecast that starts near the truth is shocked by a model whose balance is another one; in a
cycle the model has settled and its systematic errors have grown to where the observations hold
them. Latent 3D-Var, with the covariance of the youngest forecasts from perturbed truth, cycles
through segments of a period, each with its own network, density and observation errors; the first
cycles of a segment are left out.
"""

from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Float, Shaped
from rich.progress import Progress

from align_da.config import Config
from align_da.digests import digest_of
from align_da.parallel.cluster import run_tasks
from align_da.runs.background_latents import encode_backgrounds, scaling_of
from align_da.runs.priors import load_forecast_prior, load_space
from align_da.runs.run import Run, open_run
from align_da.runs.stage_graph import cycled_stage
from align_da.runs.variational import latent_three_d_var
from align_da.runs.weight_names import FORECAST_SCALING
from align_da.storage.checkpoints import save_weights
from align_da.storage.compiled_programs import use_compilation_cache
from align_da.storage.durable import remove_unfinished
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import digest_of_stage
from data_pipelines.segments import Segment, cycles_of, run_of, segments_of, starts_of
from data_pipelines.splits import SplitName
from data_pipelines.template import is_made, write_region, write_template

SPLITS: tuple[SplitName, ...] = ("train", "validation")


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
        ConfigError: there are to be no segments, or they do not fit into a period.
        StorageError: an input is missing, or a store belongs to another configuration.
        WorkerError: a segment has ended every worker that tried it.
    """
    defined_by = cycled_stage(config, RunFolder(folder)).defined_by
    run = open_run(config, folder)
    by_split = {split: segments_of(config, folder, split) for split in SPLITS}
    digest = digest_of(*defined_by, digest_of_stage(run.folder, "autoencoder"))
    for segments in by_split.values():
        _make_store(run, segments[0], digest)
    missing = [
        segment
        for segments in by_split.values()
        for segment in segments
        if not _is_written(run.folder, segment)
    ]
    if missing or not run.folder.weights(FORECAST_SCALING).exists():
        _save_first_guess(run)
    run_tasks(cycle_segment, missing, workers, progress, "cycled backgrounds")
    for split in by_split:
        remove_unfinished(run.folder.backgrounds(f"cycled_{split}"))


def _save_first_guess(run: Run) -> None:
    """Save the statistics of latent increments that every segment assimilates with."""
    pairs = run.pairs("train")
    latents = encode_backgrounds(
        load_space(run), [pairs], run.folder.root, [min(pairs.lead_hours)]
    )
    scaling = scaling_of(run.config, latents)
    save_weights(run.folder.weights(FORECAST_SCALING), scaling, {"name": FORECAST_SCALING})


def cycle_segment(segment: Segment) -> None:
    """Cycle through `segment` and write its backgrounds. Runs in a worker process."""
    use_compilation_cache()
    run = run_of(segment)
    method = latent_three_d_var(run, load_forecast_prior(run))
    kept = [np.asarray(cycle.background.values) for cycle in cycles_of(segment, method)]
    _write(run, segment, np.stack(kept))


def _leads(config: Config) -> Shaped[np.ndarray, " lead"]:
    return np.asarray([config.cycle.window_hours], "timedelta64[h]").astype("timedelta64[ns]")


def _make_store(run: Run, segment: Segment, digest: str) -> None:
    """The empty store of the period of a segment, where there is none.

    Raises:
        StorageError: there is one of another configuration.
    """
    config, store = run.config, run.folder.backgrounds(f"cycled_{segment.split}")
    if is_made(store, digest):
        return
    title = f"Backgrounds taken from cycling in the {segment.split} period"
    extra = xr.Dataset(attrs={"title": title, "configuration": digest})
    leading = {
        "time": starts_of(segment, run.pairs(segment.split)),
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
    every = starts_of(segment, pairs)
    starts = every[first : first + len(values)]
    leading = {"time": starts, "prediction_timedelta": _leads(segment.config)}
    store = run.folder.backgrounds(f"cycled_{segment.split}")
    write_region(store, values, run.layout, leading, first)
