"""The model of Lorenz (1996) on a circle, the anchor with published scores.

    dx_i/dt = (x_{i+1} - x_{i-2}) x_{i-1} - x_i + F,    i modulo the size,

integrated by the classical Runge-Kutta scheme. The published size is 40, the time step 0.05, which
Lorenz takes for six hours (Lorenz 1996, Predictability: a problem partly solved, ECMWF seminar,
eqs. 1 and 2).
"""

from functools import partial
from typing import Literal

import jax
import numpy as np
from jax import numpy as jnp
from jaxtyping import Array, Float

from align_da.atmosphere import Layout, State, periodic_line
from align_da.errors import InputError
from align_da.forecast.checks import check_request
from align_da.forecast.runge_kutta import runge_kutta

SIZE = 40
FORCING = 8.0
STEP = 0.05
STEP_HOURS = 6


class Lorenz96ForecastModel:
    """A `ForecastModel` of one circle of latitude.

    Attributes:
        layout: the variable "lorenz_96" on one level; values [batch, 1, size, 1], dimensionless.
        step_hours: 6 if not given, by convention `steps` time steps, whatever their length.
        frames: 1.
        differentiable: True.
    """

    frames: Literal[1, 2] = 1
    differentiable = True

    def __init__(
        self,
        size: int = SIZE,
        step: float = STEP,
        forcing: float = FORCING,
        steps: int = 1,
        step_hours: int = STEP_HOURS,
    ) -> None:
        """Set up the equations.

        Args:
            size: number of variables, at least 4.
            step: of time, dimensionless.
            forcing: F; 8 is chaotic, with errors doubling in about two days.
            steps: time steps in `step_hours`.
            step_hours: hours that the states can be apart.

        Raises:
            InputError: there are fewer than 4 variables, or no steps.
        """
        if size < 4 or min(steps, step_hours) < 1 or step <= 0:
            message = (
                f"expected 4 variables or more, positive steps, got {size=} {step=} {steps=} "
                f"{step_hours=}"
            )
            raise InputError(message)
        self.step, self.steps, self.step_hours = step, steps, step_hours
        self.forcing = forcing
        self._advance = jax.jit(
            partial(runge_kutta, partial(tendency, forcing=forcing)),
            static_argnames=("step", "steps"),
        )
        self.layout = Layout(periodic_line(size), ("lorenz_96",))

    def start(self) -> State:
        """The state of rest, one variable a thousandth off it; chaos has it after two weeks.

        Source: Lorenz and Emanuel 1998, J. Atmos. Sci. 55, 399-414, section 3.
        """
        size = self.layout.shape[1]
        x = jnp.full((1, 1, size, 1), self.forcing).at[0, 0, size // 2, 0].multiply(1.001)
        return State(x, self.layout)

    def forecast(
        self,
        states: State,
        valid_time: np.datetime64,
        lead_hours: int,
        previous: State | None = None,
    ) -> State:
        """States `lead_hours` later, whatever `valid_time`; see `ForecastModel.forecast`."""
        check_request(states, self.layout, lead_hours, self.step_hours, previous)
        steps = lead_hours // self.step_hours * self.steps
        x = self._advance(states.values[:, 0, :, 0], step=self.step, steps=steps)
        return State(x[:, None, :, None], self.layout)


def tendency(x: Float[Array, "*batch site"], forcing: float) -> Float[Array, "*batch site"]:
    """dx/dt of the equation above."""
    return (jnp.roll(x, -1, -1) - jnp.roll(x, 2, -1)) * jnp.roll(x, 1, -1) - x + forcing
