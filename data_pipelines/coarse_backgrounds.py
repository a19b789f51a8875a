"""Coarse maps of the truth, interpolated to its grid, in the place of backgrounds.

The pairs that downscaling learns from: statistics, autoencoder, score model and every method take
them as they take forecasts. Their lead time is no age but a mark, the only one of
`backgrounds.lead_hours`: what is stored under a start is the map valid at start + lead. The errors
of a map depend on the seed and its time alone, so that `align-da downscale` assimilates the very
map that the background was made of.
"""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Float, Shaped
from rich.progress import Progress

from align_da.atmosphere import State
from align_da.atmosphere.dataset import dataset_from_state
from align_da.config import Config
from align_da.digests import digest_of
from align_da.errors import ConfigError
from align_da.observations.coarse_maps import CoarseMap
from align_da.runs.coarse_map import configured_map, reported_map
from align_da.runs.run import Run, open_run
from align_da.storage.datasets import write_dataset
from align_da.storage.gridded import read_times
from data_pipelines.backgrounds import BLOCK, starts_of
from data_pipelines.splits import SplitName
from data_pipelines.template import is_made, write_region, write_template

Field = Float[np.ndarray, "lat lon channel"]


def make_coarse_backgrounds(config: Config, folder: Path, progress: Progress) -> None:
    """Interpolate a map of the truth for every start of every period.

    Writes the stores of `data_pipelines.backgrounds` (without `amplitude`), and the mean error
    over the training period that they are corrected by. What an interrupted call has left is made
    again, as all of it takes two minutes.

    Args:
        config: seed and the sections [world], [backgrounds] and [coarse_map].
        folder: holds truth.zarr, receives the stores.
        progress: shows the blocks done.

    Raises:
        ConfigError: several lead times, or more starts than the period has times.
        InputError: the map is finer than the truth.
        StorageError: a store belongs to another configuration, or there is no truth.
    """
    if len(config.backgrounds.lead_hours) != 1:
        message = (
            "expected one lead time, which only marks coarse backgrounds, got "
            f"backgrounds.lead_hours = {config.backgrounds.lead_hours}"
        )
        raise ConfigError(message)
    run = open_run(config, folder)
    maps, splits = configured_map(run), starts_of(config)
    for split in splits:
        _open_store(run, split)
    correction = _mean_error(run, maps, splits["train"], progress)
    write_dataset(run.folder.map_correction, dataset_from_state(correction))
    for split, starts in splits.items():
        for first in progress.track(range(0, starts.size, BLOCK), description=split):
            times = starts[first : first + BLOCK]
            pairs = _pairs(run, maps, times, correction)
            values = np.stack([background for _, background in pairs])[:, None]
            leading = {"time": times, "prediction_timedelta": _lead(config)}
            write_region(run.folder.backgrounds(split), values, run.layout, leading, first)


def _open_store(run: Run, split: SplitName) -> None:
    """Make an empty store, unless there is one of another configuration."""
    config, store = run.config, run.folder.backgrounds(split)
    digest = digest_of(config.seed, config.world, config.backgrounds, config.coarse_map)
    is_made(store, digest)
    title = {"title": f"Coarse maps of the {split} period, interpolated", "configuration": digest}
    leading = {"time": starts_of(config)[split], "prediction_timedelta": _lead(config)}
    write_template(store, run.layout, leading, BLOCK, xr.Dataset(attrs=title))


def _mean_error(
    run: Run, maps: CoarseMap, starts: Shaped[np.ndarray, " start"], progress: Progress
) -> State:
    """Mean of truth − interpolated map over these starts, values [lat, lon, channel]."""
    total = np.zeros(run.layout.shape)
    for first in progress.track(range(0, starts.size, BLOCK), description="mean error"):
        for truth, plain in _pairs(run, maps, starts[first : first + BLOCK]):
            total += truth - plain
    return State(jnp.asarray(total / starts.size, jnp.float32), run.layout)


def _pairs(
    run: Run,
    maps: CoarseMap,
    starts: Shaped[np.ndarray, " start"],
    correction: State | None = None,
) -> list[tuple[Field, Field]]:
    """Truth and its map interpolated for every start, corrected where there is a correction."""
    times = starts + _lead(run.config)
    truth = read_times(run.truth, run.layout, times)
    found = []
    for values, time in zip(truth.values, times, strict=True):
        reported = reported_map(run, maps, State(values, truth.layout), time)
        fine = (
            maps.interpolated(reported)
            if correction is None
            else maps.background(reported, correction.values)
        )
        found.append((np.asarray(values), np.asarray(fine.values)))
    return found


def _lead(config: Config) -> Shaped[np.ndarray, " lead"]:
    return np.asarray(config.backgrounds.lead_hours, "timedelta64[h]").astype("timedelta64[ns]")
