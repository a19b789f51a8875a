"""Forecasts at several leads: each going on from the one before, or of one forecast."""

from collections.abc import Iterator, Sequence

import jax.numpy as jnp
import numpy as np

from align_da.atmosphere import State
from align_da.errors import InputError
from align_da.forecast.contract import ForecastModel, TrajectoryForecastModel


def forecasts_at(
    model: ForecastModel,
    states: State,
    valid_time: np.datetime64,
    lead_hours: Sequence[int],
    previous: State | None = None,
) -> Iterator[State]:
    """The forecast at every lead.

    A model of two frames goes step by step, since each step needs the states of the step before
    it; any other goes from lead to lead.

    Args:
        model: the forecast model.
        states: values [batch, lat, lon, channel], SI units.
        valid_time: of `states`.
        lead_hours: increasing, multiples of the step of the model.
        previous: see `ForecastModel.forecast`.

    Raises:
        InputError: the leads do not increase, or the request does not keep the contract.
    """
    age = 0
    for lead in lead_hours:
        stride = lead - age if model.frames == 1 else model.step_hours
        if lead <= age or (lead - age) % stride:
            message = (
                f"expected leads that increase by multiples of {model.step_hours} hours, got "
                f"{tuple(lead_hours)}"
            )
            raise InputError(message)
        for hours in range(age, lead, stride):
            now = valid_time + np.timedelta64(hours, "h")
            previous, states = states, model.forecast(states, now, stride, previous)
        age = lead
        yield states


def forecast_through(
    model: ForecastModel,
    states: State,
    valid_time: np.datetime64,
    lead_hours: int,
    slots: Sequence[int],
) -> State:
    """The forecast at a lead, with its drift through the time window around it (`State.drift`).

    Args:
        model: the forecast model; it is stopped at every slot unless it knows its trajectory.
        states: values [batch, lat, lon, channel], SI units.
        valid_time: of `states`.
        lead_hours: from there to the middle of the window.
        slots: hours from the middle, increasing, 0 among them.

    Raises:
        InputError: the leads do not increase, or the request does not keep the contract.
    """
    leads = [lead_hours + slot for slot in slots]
    if isinstance(model, TrajectoryForecastModel):
        trajectory = model.trajectory(states, valid_time, leads)
    else:
        trajectory = list(forecasts_at(model, states, valid_time, leads))
    middle = trajectory[leads.index(lead_hours)]
    drift = jnp.stack([state.values - middle.values for state in trajectory], axis=-4)
    return State(middle.values, middle.layout, drift)
