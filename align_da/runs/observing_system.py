"""The observing system of a run: fixed stations, simulated reports, quality control."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.atmosphere import Grid, State
from align_da.config import Config, ObservationsConfig, QualityControlConfig
from align_da.errors import ConfigError
from align_da.keys import Purpose, key_for
from align_da.observations.batch import ObservationBatch
from align_da.observations.contract import ObservationOperator
from align_da.observations.interpolation import InterpolationOperator
from align_da.observations.networks import NETWORKS, Network
from align_da.observations.own_times import at_own_times, at_valid_time
from align_da.observations.screening import Limits, screened
from align_da.observations.simulate import (
    planned_observations,
    simulate_observations,
    split_withheld,
)
from align_da.runs.observation_errors import errors_of
from align_da.runs.run import Run
from align_da.storage.gridded import read_times

_EVERY = 10  # pair: enough for the variance of the background check
_SAMPLED = 40  # errors that a nonlinear operator is tried with


@dataclass(frozen=True)
class ObservingSystem:
    """Observations of the truth at any time.

    Attributes:
        run: the run.
        planned: positions, times and errors; withheld stations are flagged passive.
        operator: H at those positions and times.
        hours: of the reports, from the valid time.
    """

    run: Run
    planned: ObservationBatch
    operator: ObservationOperator
    hours: tuple[int, ...] = (0,)

    def observe(self, time: np.datetime64, number: int) -> ObservationBatch:
        """Observations around `time` with the errors of cycle or date `number`.

        Raises:
            InputError: the truth has no state at an hour of the reports.
        """
        times = time + np.asarray(self.hours, "timedelta64[h]")
        truth = read_times(self.run.truth, self.run.layout, times)
        now = truth.values[self.hours.index(0)]
        drift = truth.values - now if len(self.hours) > 1 else None
        key = key_for(self.run.config.seed, Purpose.OBSERVATION_ERROR, number)
        state = State(now, truth.layout, drift)
        return simulate_observations(self.planned, self.operator, state, key)


def observing_system(run: Run) -> ObservingSystem:
    """The network of the configuration.

    Raises:
        ConfigError: states of the truth are further apart than reports.
    """
    settings, seed = run.config.observations, run.config.seed
    positions, withheld = (key_for(seed, Purpose.OBSERVATION_NETWORK, i) for i in range(2))
    network = configured_network(settings, run.layout.grid, positions)
    hours = reporting_hours(run.config)
    _check_known(run, hours)
    planned = split_withheld(
        planned_observations(network, run.layout, errors_of(settings), hours),
        settings.withheld,
        withheld,
    )
    at_once = run.operator_at_once
    operator_for = at_own_times(at_once, hours) if len(hours) > 1 else at_once
    return ObservingSystem(run, planned, operator_for(planned, run.layout), hours)


def reporting_hours(config: Config) -> tuple[int, ...]:
    """Hours of the reports from the valid time, within the window [-half, half) around it."""
    every, window = config.observations.every_hours, config.cycle.window_hours
    if every == 0:
        return (0,)
    furthest = window // (2 * every) * every
    return tuple(
        hour for hour in range(-furthest, furthest + every, every) if -window <= 2 * hour < window
    )


def _check_known(run: Run, hours: tuple[int, ...]) -> None:
    """Refuse reports between the states of the truth, where there is one."""
    times = run.truth["time"].to_numpy() if "time" in run.truth.variables else np.empty(0)
    if len(hours) == 1 or times.size < 2:
        return
    apart = times[1] - times[0]
    if np.timedelta64(hours[1] - hours[0], "h") % apart:
        message = (
            f"observations.every_hours = {hours[1] - hours[0]} needs a truth at these times, and "
            f"its states are {apart.astype('timedelta64[h]')} apart: set world.step_hours, and "
            "make the truth anew"
        )
        raise ConfigError(message)


def configured_network(config: ObservationsConfig, grid: Grid, key: jax.Array) -> Network:
    """The network that [observations] names."""
    return NETWORKS[config.network](grid, config.density, key)


def _limits_of(section: QualityControlConfig) -> Limits:
    return Limits(
        section.background_threshold,
        section.buddy_threshold if section.buddy_check else None,
        section.largest_reject_ratio,
    )


def quality_control_for(run: Run) -> Callable[[ObservationBatch, State], ObservationBatch]:
    """Every check, those of departures with the errors of the oldest training backgrounds.

    What is returned looks at the positions of each batch anew, and raises InputError where most
    observations of a variable are rejected.
    """
    variance_of = expected_variance_for(run)
    window_seconds = run.config.cycle.window_hours * 3600.0
    limits = _limits_of(run.config.quality_control)

    def controlled(reported: ObservationBatch, background: State) -> ObservationBatch:
        operator = run.operator_for(reported, run.layout)
        equivalent = operator(background).mean(axis=0)
        expected = variance_of(operator, background)
        return screened(reported, run.layout, window_seconds, equivalent, expected, limits)

    return controlled


def expected_variance_for(
    run: Run,
) -> Callable[[ObservationOperator, State], Float[Array, " observation"]]:
    """H B Hᵀ as quality control expects it, of the errors of the oldest training backgrounds.

    What is returned takes H and the background ensemble, and gives a variance an observation, in
    its squared unit.
    """
    variance = State(background_variance(run), run.layout)
    errors = cache(partial(_past_errors, run))  # read where an operator asks for them

    def expected(operator: ObservationOperator, background: State) -> Float[Array, " observation"]:
        at_once = at_valid_time(operator)
        if not isinstance(at_once, InterpolationOperator):
            return _sampled_variance(operator, background, errors())
        # Weights of winds are negative across a pole, variances are not.
        known: Float[Array, " observation"] = replace(at_once, weight=jnp.abs(at_once.weight))(
            variance
        )
        return known

    return expected


def background_variance(run: Run) -> Float[Array, "lat lon channel"]:
    """Mean square of the oldest training background errors, the same at every point."""
    squares = jnp.square(_past_errors(run).values).mean(axis=(0, 1, 2))
    return jnp.broadcast_to(squares, run.layout.shape)


def _past_errors(run: Run) -> State:
    """Some of the oldest training background errors, values [start, lat, lon, channel]."""
    pairs = run.pairs("train")
    truth, background = pairs.read(max(pairs.lead_hours), slice(None, None, _EVERY))
    return State(background.values - truth.values, run.layout)


def _sampled_variance(
    operator: ObservationOperator, background: State, errors: State
) -> Float[Array, " observation"]:
    """Variance of H x_b under past background errors: a nonlinear H knows no other way."""
    around = background.values.mean(axis=0) + errors.values[:_SAMPLED]
    return jnp.var(operator(State(around, errors.layout)), axis=0)
