"""The 40 variables of Lorenz (1996), the anchor with published scores.

    dx_i/dt = (x_{i+1} - x_{i-2}) x_{i-1} - x_i + F,    i modulo 40,

integrated by the classical Runge-Kutta scheme with time step 0.05, which Lorenz takes for six
hours (Lorenz 1996, Predictability: a problem partly solved, ECMWF seminar, eqs. 1 and 2).
"""

from functools import partial
from typing import Literal

import jax
import numpy as np
from jax import numpy as jnp
from jaxtyping import Array, Float

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.forecast.checks import check_request
from align_da.forecast.runge_kutta import runge_kutta

SIZE = 40
FORCING = 8.0
STEP = 0.05
STEP_HOURS = 6


class Lorenz96ForecastModel:
    """A `ForecastModel` of one circle of latitude with 40 points.

    Attributes:
        layout: the variable "lorenz_96" on one level; values [batch, 1, 40, 1], dimensionless.
        step_hours: 6.
        frames: 1.
        differentiable: True.
    """

    step_hours = STEP_HOURS
    frames: Literal[1, 2] = 1
    differentiable = True

    def __init__(self, forcing: float = FORCING) -> None:
        """Set the forcing F; 8 is chaotic, with errors doubling in about two days."""
        self._advance = jax.jit(
            partial(runge_kutta, partial(tendency, forcing=forcing)),
            static_argnames=("step", "steps"),
        )
        grid = Grid(
            latitude=(0.0,),
            longitude=tuple(float(i) * 360.0 / SIZE for i in range(SIZE)),
            vertical=VerticalCoordinate("index", (1.0,)),
        )
        self.layout = Layout(grid, ("lorenz_96",))

    def forecast(
        self,
        states: State,
        valid_time: np.datetime64,
        lead_hours: int,
        previous: State | None = None,
    ) -> State:
        """States `lead_hours` later, whatever `valid_time`; see `ForecastModel.forecast`."""
        check_request(states, self.layout, lead_hours, self.step_hours, previous)
        steps = lead_hours // self.step_hours
        x = self._advance(states.values[:, 0, :, 0], step=STEP, steps=steps)
        return State(x[:, None, :, None], self.layout)


def tendency(x: Float[Array, "*batch 40"], forcing: float) -> Float[Array, "*batch 40"]:
    """dx/dt of the equation above."""
    return (jnp.roll(x, -1, -1) - jnp.roll(x, 2, -1)) * jnp.roll(x, 1, -1) - x + forcing
