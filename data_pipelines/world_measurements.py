"""Measurements of the embedded world: its weather and the errors of its forecasts.

Forecasts start from the truth of the test period (a perfect start: what grows is model error) and
from the truth with a small perturbation (what grows then is the error of the start alone, since
both forecasts use the same model). Every number is a root mean square over starts and, weighted by
area, over the sphere.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Float, Shaped

from align_da.atmosphere import Layout, State
from align_da.config import Config
from align_da.forecast import ForecastModel
from align_da.forecast.leads import forecasts_at
from align_da.keys import Purpose, key_for
from align_da.storage.gridded import read_times
from data_pipelines.backgrounds import draw_perturbation, perturbed
from data_pipelines.moments import moments_of
from data_pipelines.splits import periods_of

LEAD_HOURS = (6, 24, 48, 120)
STARTS = 8
SAMPLE = 120  # states of the training period that climate and tendency are measured on
SMALL_AMPLITUDE = 0.05

Channels = Float[np.ndarray, " channel"]


@dataclass(frozen=True)
class World:
    """The truth and the model that forecasts it.

    Attributes:
        truth: the nature run.
        layout: of its states.
        model: the forecast model.
        config: of the run.
    """

    truth: xr.Dataset
    layout: Layout
    model: ForecastModel
    config: Config


def climate_and_tendency(world: World) -> tuple[Channels, Channels]:
    """Standard deviation in time at a point, and of the 24-hour tendency."""
    period = periods_of(world.config.world)["train"]
    times = period.times(world.model.step_hours)
    times = times[np.linspace(0, times.size - 5, SAMPLE).astype(int)]
    states = states_at(world, times)
    later = states_at(world, times + np.timedelta64(24, "h"))
    weights = world.layout.grid.area_weights
    anomalies = states - states.mean(axis=0)
    return _rms(anomalies, weights), moments_of(later - states, weights).std


def independent_starts(world: World) -> Shaped[np.ndarray, " start"]:
    """Times of the test period, far enough apart to count as independent."""
    times = periods_of(world.config.world)["test"].times(world.model.step_hours)
    usable = times.size - max(LEAD_HOURS) // world.model.step_hours
    return np.asarray(times[np.linspace(0, usable - 1, STARTS).astype(int)])


def forecast_errors(
    world: World, starts: Shaped[np.ndarray, " start"]
) -> tuple[dict[int, Channels], dict[int, Channels], dict[int, State]]:
    """Errors from a perfect start, growth of a small perturbation, and the forecasts, by lead."""
    truths = [
        State(jnp.asarray(states_at(world, starts[i : i + 1])), world.layout)
        for i in range(STARTS)
    ]
    shifted = [_slightly_perturbed(world, starts, i) for i in range(STARTS)]
    weights = world.layout.grid.area_weights
    perfect, growth, kept = {}, {0: _rms(_stacked(shifted) - _stacked(truths), weights)}, {}
    runs = [
        [
            forecasts_at(world.model, state, time, LEAD_HOURS)
            for state, time in zip(states, starts, strict=True)
        ]
        for states in (truths, shifted)
    ]
    for lead in LEAD_HOURS:
        truths, shifted = ([next(run) for run in chosen] for chosen in runs)
        reference = states_at(world, starts + np.timedelta64(lead, "h"))
        perfect[lead] = _rms(_stacked(truths) - reference, weights)
        growth[lead] = _rms(_stacked(shifted) - _stacked(truths), weights)
        kept[lead] = State(jnp.asarray(_stacked(truths)), world.layout)
    return perfect, growth, kept


def _slightly_perturbed(world: World, starts: Shaped[np.ndarray, " start"], index: int) -> State:
    """The truth at one start with a perturbation as those of the backgrounds, but small."""
    period = periods_of(world.config.world)["test"]
    times = period.times(world.model.step_hours)
    place = int(np.searchsorted(times, starts[index]))
    key: jax.Array = key_for(world.config.seed, Purpose.VERIFICATION, place)
    amplitude = (SMALL_AMPLITUDE, SMALL_AMPLITUDE)
    drawn = draw_perturbation(
        key, place, range(times.size), 24 // world.model.step_hours, amplitude
    )
    chosen = times[[place, drawn.first, drawn.second]]
    three = State(jnp.asarray(states_at(world, chosen)), world.layout)
    return perturbed(three, 0, type(drawn)(1, 2, drawn.amplitude))


def states_at(
    world: World, times: Shaped[np.ndarray, " time"]
) -> Float[np.ndarray, "time lat lon channel"]:
    """The truth at exactly `times`, SI units."""
    return np.asarray(read_times(world.truth, world.layout, times).values)


def _stacked(states: list[State]) -> Float[np.ndarray, "start lat lon channel"]:
    return np.concatenate([np.asarray(state.values) for state in states])


def _rms(
    values: Float[np.ndarray, "start lat lon channel"], weights: Float[np.ndarray, "lat lon"]
) -> Channels:
    square = np.einsum("sijc,ij->c", values.astype(np.float64) ** 2, weights)
    return np.asarray(np.sqrt(square / values.shape[0]))
