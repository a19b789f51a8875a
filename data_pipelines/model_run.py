"""A nature run by the forecast model of the run itself, of models that know a start.

Such a model makes no error: truth and backgrounds differ by their starts alone, as in the twin
experiments of the Lorenz models.
"""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Shaped
from rich.progress import Progress

from align_da.atmosphere import State
from align_da.atmosphere.dataset import layout_from_dataset
from align_da.config import Config
from align_da.digests import digest_of
from align_da.errors import ConfigError, InputError
from align_da.forecast.contract import ForecastModel, StartingForecastModel
from align_da.runs.forecast_model_files import forecast_model_definition
from align_da.runs.forecast_models import configured_forecast_model
from align_da.storage.durable import remove_unfinished
from align_da.storage.gridded import open_states, read_times, states_within
from align_da.storage.run_folder import RunFolder
from align_da.storage.seal import blocks_missing
from data_pipelines.splits import times_of_truth
from data_pipelines.template import is_made, write_region, write_template


def run_model(config: Config, folder: Path, progress: Progress) -> None:
    """Simulate the truth, or finish a simulation that was interrupted.

    Args:
        config: names the model and the periods.
        folder: receives truth.zarr, states a model step apart with dimensions (time, [level,]
            latitude, longitude).
        progress: shows the times done.

    Raises:
        ConfigError: the model knows no start.
        StorageError: the folder holds the truth of another configuration, or cannot be written.
        BadStateError: the simulation has left the numbers.
    """
    model = configured_forecast_model(config)
    if not isinstance(model, StartingForecastModel):
        message = (
            f"world.model = {config.world.model!r} knows no state to start a nature run from: set "
            "world.truth = 'era5', or give the model a method `start`"
        )
        raise ConfigError(message)
    times = times_of_truth(config.world, model.step_hours)
    block, store = states_within(model.layout), RunFolder(folder).truth
    digest = digest_of(config.world, *forecast_model_definition(config))
    if not is_made(store, digest):
        surface = np.zeros(model.layout.grid.shape, np.float32)
        extra = xr.Dataset(
            {"geopotential_at_surface": (("latitude", "longitude"), surface)},
            attrs={"title": f"Nature run of {config.world.model}", "configuration": digest},
        )
        write_template(store, model.layout, {"time": times}, block, extra)
    remove_unfinished(store)
    done = _written(store, block)
    task = progress.add_task("nature run", total=times.size, completed=done)
    states = _trajectory(model, _standing(model, store, config, times, done), times[done:])
    for first in range(done, times.size, block):
        values = np.concatenate([np.asarray(state.values) for state in islice(states, block)])
        leading = {"time": times[first : first + block]}
        write_region(store, values, model.layout, leading, first)
        progress.update(task, completed=first + len(values))


def _trajectory(
    model: ForecastModel, state: State, times: Shaped[np.ndarray, " time"]
) -> Iterator[State]:
    """The states of `times`, the first of which is `state`, values [1, lat, lon, channel]."""
    yield state
    for time in times[:-1]:
        state = model.forecast(state, time, model.step_hours)
        yield state


def _standing(
    model: StartingForecastModel,
    store: Path,
    config: Config,
    times: Shaped[np.ndarray, " time"],
    done: int,
) -> State:
    """The first state that is not written: after the spin-up, or after the last one."""
    step = np.timedelta64(model.step_hours, "h")
    if done:
        with open_states(store) as truth:
            start = read_times(truth, model.layout, times[done - 1 : done])
        before = times[done - 1 : done]
    else:
        start = _first_state(model, config.world.model)
        before = np.arange(
            times[0] - np.timedelta64(config.world.spin_up_days, "D"), times[0], step
        )
    *_, last = _trajectory(model, start, np.append(before, times[min(done, times.size - 1)]))
    return last


def _first_state(model: StartingForecastModel, name: str) -> State:
    """What the model starts from.

    Raises:
        InputError: it is no batch of one state.
    """
    start, wanted = model.start(), (1, *model.layout.shape)
    if start.layout != model.layout or start.values.shape != wanted:
        message = (
            f"start() of the forecast model {name!r}: expected one state with the layout of the "
            f"model, [1, lat, lon, channel] = {wanted}, got {start.values.shape}"
        )
        raise InputError(message)
    return start


def _written(store: Path, block: int) -> int:
    """How many times the store holds, found from the first state of a few blocks.

    Blocks are written in order, and a chunk is there whole or not at all; a block lacks variables
    where the run was ended between two of them, or chunks that were lost later.
    """
    with open_states(store) as truth:
        variables = truth[list(layout_from_dataset(truth).variables)]
        size = truth.sizes["time"]

        def is_missing(first: int) -> bool:
            states = variables.isel(time=first).data_vars.values()
            return not all(bool(np.isfinite(values).all()) for values in states)

        blocks = bisect_left(range(0, size, block), x=True, key=is_missing)
    return min(min({blocks, *blocks_missing(store)}) * block, size)
