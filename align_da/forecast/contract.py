"""The contract of a forecast model."""

from typing import Protocol, runtime_checkable

import numpy as np

from align_da.atmosphere import Layout, State


@runtime_checkable
class ForecastModel(Protocol):
    """Advances states in time: batch in, batch out, restartable from gridded states alone.

    Attributes:
        layout: the layout of the states that it takes and gives.
        step_hours: shortest lead time; every lead is a multiple of it.
        differentiable: whether JAX derivatives flow through `forecast`.
    """

    layout: Layout
    step_hours: int
    differentiable: bool

    def forecast(self, states: State, valid_time: np.datetime64, lead_hours: int) -> State:
        """States `lead_hours` after `valid_time`.

        Args:
            states: values [batch, lat, lon, channel] in SI units.
            valid_time: time of `states`.
            lead_hours: hours to go, a positive multiple of `step_hours`.

        Returns:
            States of the same shape and layout.

        Raises:
            InputError: another layout, or a lead that is no positive multiple of the step.
        """
        ...
