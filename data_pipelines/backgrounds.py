"""Backgrounds: forecasts with the forecast model from a perturbed truth.

The perturbation of a start is the difference of two random states of the same hour of the day,
within 20 days of the start and in the same period, so that it is balanced and has the structure of
the weather; divided by sqrt(2) it has the variance of the anomalies, and a random amplitude makes
good and bad backgrounds. A separate key for each start makes every background independent of how
the work was distributed.
"""

from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
import xarray as xr
from jaxtyping import Float, Shaped
from rich.progress import Progress

from align_da.atmosphere import State
from align_da.atmosphere.dataset import layout_from_dataset, state_from_dataset
from align_da.config import Config
from align_da.digests import digest_of
from align_da.errors import ConfigError
from align_da.forecast import ForecastModel
from align_da.forecast.leads import forecasts_at
from align_da.keys import Purpose, key_for
from align_da.parallel.cluster import run_tasks
from align_da.runs.forecast_model_files import forecast_model_definition
from align_da.runs.forecast_models import configured_forecast_model
from align_da.storage.compiled_programs import use_compilation_cache
from align_da.storage.datasets import write_dataset_region
from align_da.storage.durable import remove_unfinished
from align_da.storage.gridded import open_states
from align_da.storage.run_folder import RunFolder
from align_da.storage.seal import blocks_missing
from data_pipelines.splits import Period, SplitName, periods_of
from data_pipelines.template import is_made, write_region, write_template

BLOCK = 20  # starts in a chunk of the store, and in a task of a worker
WINDOW_DAYS = 20


@dataclass(frozen=True)
class Perturbation:
    """`amplitude` times the difference of two states of the truth over sqrt(2).

    Attributes:
        first: place of one state on the time axis of the truth.
        second: place of the other.
        amplitude: share of the standard deviation of anomalies.
    """

    first: int
    second: int
    amplitude: float

    def moved(self, places: int) -> "Perturbation":
        """The same on a time axis that starts `places` earlier."""
        return Perturbation(self.first + places, self.second + places, self.amplitude)


@dataclass(frozen=True)
class BackgroundsTask:
    """Consecutive starts of one store.

    Attributes:
        config: the run.
        folder: holds the truth and the store.
        split: which store.
        block: the starts are those of this block.
    """

    config: Config
    folder: Path
    split: SplitName
    block: int

    def __str__(self) -> str:
        return f"block {self.block} of the {self.split} period"


def make_backgrounds(config: Config, folder: Path, workers: int, progress: Progress) -> None:
    """Forecast from every start of every period, or finish what was interrupted.

    Writes backgrounds_train.zarr, backgrounds_validation.zarr and backgrounds_test.zarr with
    dimensions (time, prediction_timedelta, [level,] latitude, longitude), time being the start,
    and the variable `amplitude` of the perturbation, NaN where the forecast is still to do.

    Args:
        config: seed and the sections [world] and [backgrounds].
        folder: holds truth.zarr, receives the stores.
        workers: processes to use.
        progress: shows the blocks done.

    Raises:
        ConfigError: more starts than the period has times.
        StorageError: a store belongs to another configuration.
        WorkerError: a block has ended every worker that tried it.
    """
    tasks = [task for split in starts_of(config) for task in _open_tasks(config, folder, split)]
    run_tasks(forecast_block, tasks, workers, progress, "backgrounds")
    for split in starts_of(config):
        remove_unfinished(RunFolder(folder).backgrounds(split))


def starts_of(config: Config) -> dict[SplitName, Shaped[np.ndarray, " start"]]:
    """Start times of each period, evenly spaced, the longest forecast ending in the period.

    Raises:
        ConfigError: more starts than the period has times.
    """
    counts = {
        "train": config.backgrounds.train_starts,
        "validation": config.backgrounds.validation_starts,
        "test": config.backgrounds.test_starts,
    }
    last_lead = max(config.backgrounds.lead_hours)
    return {
        name: _evenly_spaced(period, counts[name], last_lead)
        for name, period in periods_of(config.world).items()
    }


def forecast_block(task: BackgroundsTask) -> None:
    """Forecast from the starts of `task` and write them. Runs in a worker process."""
    use_compilation_cache()
    model = configured_forecast_model(task.config)
    starts = _block_of(starts_of(task.config)[task.split], task.block)
    with open_states(RunFolder(task.folder).truth) as truth:
        times = truth["time"].to_numpy()
        period = _range_on_axis(times, periods_of(task.config.world)[task.split])
        places, a_day = np.searchsorted(times, starts), _states_a_day(times)
        window = _window(places, period, a_day)
        states = state_from_dataset(truth, model.layout, slice(window.start, window.stop))
    backgrounds, amplitudes = [], []
    for start, place in zip(starts, places.tolist(), strict=True):
        key = key_for(task.config.seed, Purpose.BACKGROUND_PERTURBATION, place)
        drawn = draw_perturbation(key, place, period, a_day, task.config.backgrounds.amplitude)
        there, here = drawn.moved(-window.start), place - window.start
        leads = forecasts_at(
            model,
            perturbed(states, here, there),
            start,
            task.config.backgrounds.lead_hours,
            _one_step_before(model, states, here, there, a_day),
        )
        backgrounds.append(np.stack([np.asarray(state.values[0]) for state in leads]))
        amplitudes.append(drawn.amplitude)
    _write(task, starts, np.stack(backgrounds), np.asarray(amplitudes, np.float32))


def draw_perturbation(
    key: jax.Array, place: int, period: range, states_a_day: int, amplitude: tuple[float, float]
) -> Perturbation:
    """The random perturbation of the start at `place`.

    Args:
        key: random key of the start.
        place: place of the start on the time axis of the truth.
        period: places that may be used.
        states_a_day: states of the truth in a day.
        amplitude: smallest and largest share of the standard deviation of anomalies.
    """
    reach = WINDOW_DAYS * states_a_day
    candidates = [
        other for other in range(place - reach, place + reach + 1, states_a_day) if other in period
    ]
    first, other, share = jax.random.uniform(key, (3,)).tolist()
    one = int(first * len(candidates))
    # A step of at least one and less than a whole turn: never the same state twice.
    two = (one + 1 + int(other * (len(candidates) - 1))) % len(candidates)
    low, high = amplitude
    return Perturbation(candidates[one], candidates[two], low + (high - low) * share)


def perturbed(truth: State, place: int, perturbation: Perturbation) -> State:
    """The state of `truth` at `place` with a perturbation added; humidity stays positive.

    Args:
        truth: values [time, lat, lon, channel] in SI units.
        place: which of them is perturbed.
        perturbation: with places on the same axis.

    Returns:
        Values [1, lat, lon, channel] in SI units.
    """
    difference = truth.values[perturbation.first] - truth.values[perturbation.second]
    values = truth.values[place] + perturbation.amplitude / np.sqrt(2.0) * difference
    if "specific_humidity" in truth.layout.variables:
        humid = truth.layout.channels_of("specific_humidity")
        values = values.at[..., humid].max(0.0)
    return State(values[None], truth.layout)


def _one_step_before(
    model: ForecastModel, truth: State, place: int, perturbation: Perturbation, states_a_day: int
) -> State | None:
    """The truth one step before `place`, as perturbed, where the model looks at it.

    None at the start of the period, and between the states of the truth.
    """
    places, remainder = divmod(model.step_hours * states_a_day, 24)
    if model.frames == 1 or remainder or place < places:
        return None
    return perturbed(truth, place - places, perturbation)


def _write(
    task: BackgroundsTask,
    starts: Shaped[np.ndarray, " start"],
    values: Float[np.ndarray, "start lead lat lon channel"],
    amplitudes: Float[np.ndarray, " start"],
) -> None:
    """Write the forecasts, and after them the amplitudes that mark them as written."""
    store = RunFolder(task.folder).backgrounds(task.split)
    leading = {"time": starts, "prediction_timedelta": _leads(task.config)}
    layout = configured_forecast_model(task.config).layout
    write_region(store, values, layout, leading, task.block * BLOCK)
    place = slice(task.block * BLOCK, task.block * BLOCK + starts.size)
    marks = xr.Dataset({"amplitude": ("time", amplitudes)})
    write_dataset_region(store, marks, {"time": place})


def _open_tasks(config: Config, folder: Path, split: SplitName) -> list[BackgroundsTask]:
    """The blocks of a store that are not written yet, or lost; makes the store if needed."""
    starts = starts_of(config)[split]
    store = RunFolder(folder).backgrounds(split)
    definition = forecast_model_definition(config)
    digest = digest_of(config.seed, config.world, config.backgrounds, *definition)
    if not is_made(store, digest):
        extra = xr.Dataset(
            {"amplitude": ("time", np.full(starts.size, np.nan, np.float32), _AMPLITUDE)},
            attrs={"title": f"Backgrounds of the {split} period", "configuration": digest},
        )
        leading = {"time": starts, "prediction_timedelta": _leads(config)}
        with xr.open_zarr(RunFolder(folder).truth, consolidated=False) as truth:
            layout = layout_from_dataset(truth)
        write_template(store, layout, leading, BLOCK, extra)
    with xr.open_zarr(store, consolidated=False) as dataset:
        missing = np.isnan(dataset["amplitude"].to_numpy())
    blocks, lost = range(0, starts.size, BLOCK), blocks_missing(store)
    return [
        BackgroundsTask(config, folder, split, i)
        for i, first in enumerate(blocks)
        if i in lost or missing[first : first + BLOCK].any()
    ]


_AMPLITUDE = {"long_name": "share of the climatological anomaly in the perturbation", "units": "1"}


def _block_of(starts: Shaped[np.ndarray, " all"], block: int) -> Shaped[np.ndarray, " start"]:
    return starts[block * BLOCK : (block + 1) * BLOCK]


def _leads(config: Config) -> Shaped[np.ndarray, " lead"]:
    return np.asarray(config.backgrounds.lead_hours, "timedelta64[h]").astype("timedelta64[ns]")


def _states_a_day(times: Shaped[np.ndarray, " time"]) -> int:
    """How many states of the truth there are in a day."""
    return int(np.timedelta64(1, "D") / (times[1] - times[0]))


def _range_on_axis(times: Shaped[np.ndarray, " time"], period: Period) -> range:
    """The places of `period` on a time axis."""
    first, last = np.searchsorted(times, [period.start, period.end])
    return range(int(first), int(last))


def _window(places: Shaped[np.ndarray, " start"], period: range, states_a_day: int) -> range:
    """The places that the starts at `places` and their perturbations may need."""
    reach = WINDOW_DAYS * states_a_day
    first = max(int(places[0]) - reach, period.start)
    return range(first, min(int(places[-1]) + reach + 1, period.stop))


def _evenly_spaced(
    period: Period, count: int, last_lead_hours: int
) -> Shaped[np.ndarray, " start"]:
    """`count` different times, evenly spread over the part where every forecast ends in time."""
    times = period.times(6)
    usable = times[times + np.timedelta64(last_lead_hours, "h") < period.end]
    if count > usable.size:
        message = (
            f"{count} starts do not fit into the {period.name} period: expected at most "
            f"{usable.size}, lower backgrounds.{period.name}_starts or lengthen the period"
        )
        raise ConfigError(message)
    places = np.round(np.linspace(0, usable.size - 1, count)).astype(int)
    return np.asarray(usable[places], "datetime64[ns]")
