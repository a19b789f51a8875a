"""The contract of a forecast model."""

from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from align_da.atmosphere import Layout, State


@runtime_checkable
class ForecastModel(Protocol):
    """Advances states in time: batch in, batch out, restartable from gridded states alone.

    Attributes:
        layout: the layout of the states that it takes and gives.
        step_hours: shortest lead time; every lead is a multiple of it.
        frames: states that a forecast starts from: 1, or 2 where it also looks at the states
            `step_hours` before.
        differentiable: whether JAX derivatives flow through `forecast`.
    """

    # Properties, so that a class may hold them in any way: fixed, or of the class.
    @property
    def layout(self) -> Layout: ...  # noqa: D102
    @property
    def step_hours(self) -> int: ...  # noqa: D102
    @property
    def frames(self) -> Literal[1, 2]: ...  # noqa: D102
    @property
    def differentiable(self) -> bool: ...  # noqa: D102

    def forecast(
        self,
        states: State,
        valid_time: np.datetime64,
        lead_hours: int,
        previous: State | None = None,
    ) -> State:
        """States `lead_hours` after `valid_time`.

        Args:
            states: values [batch, lat, lon, channel] in SI units.
            valid_time: time of `states`.
            lead_hours: hours to go, a positive multiple of `step_hours`.
            previous: the states `step_hours` before `valid_time`, likewise. A model of one frame
                does not look at them; one of two frames does with `states` twice where they are
                None, which costs accuracy.

        Returns:
            States of the same shape and layout. They may hold what is not finite: whoever goes on
            with them judges them.

        Raises:
            InputError: another layout, `previous` of another shape, or a lead that is no positive
                multiple of the step.
        """
        ...


@runtime_checkable
class StartingForecastModel(ForecastModel, Protocol):
    """A forecast model that knows a state to start a nature run from."""

    def start(self) -> State:
        """One state, values [1, lat, lon, channel] in SI units; always the same."""
        ...


@runtime_checkable
class TrajectoryForecastModel(ForecastModel, Protocol):
    """A forecast model that gives states on its way without a stop, which would change them."""

    def trajectory(
        self, states: State, valid_time: np.datetime64, lead_hours: Sequence[int]
    ) -> list[State]:
        """The states at every lead of one forecast; see `ForecastModel.forecast`.

        Args:
            states: values [batch, lat, lon, channel] in SI units.
            valid_time: time of `states`.
            lead_hours: increasing multiples of `step_hours`.
        """
        ...
