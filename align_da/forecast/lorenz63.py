"""The three variables of Lorenz (1963), the smallest chaotic anchor with published scores.

    dx/dt = σ (y − x),   dy/dt = ρ x − y − x z,   dz/dt = x y − β z,

with σ = 10, ρ = 28, β = 8/3, integrated by the classical Runge-Kutta scheme with time step 0.01.
Source: Lorenz 1963, J. Atmos. Sci. 20, 130-141, equations 25 to 27.
"""

from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.forecast.checks import check_request
from align_da.forecast.runge_kutta import runge_kutta

STEP = 0.01
STEPS_IN_WINDOW = 25
"""Time steps in `step_hours`: the interval of observations in the published experiments."""


class Lorenz63ForecastModel:
    """A `ForecastModel` of three points on a circle of latitude: x, y and z.

    Attributes:
        layout: the variable "lorenz_63" on one level; values [batch, 1, 3, 1], dimensionless.
        step_hours: 6, by convention 0.25 units of time.
        frames: 1.
        differentiable: True.
    """

    step_hours = 6
    frames: Literal[1, 2] = 1
    differentiable = True

    def __init__(self) -> None:
        """Nothing to set up."""
        self._advance = jax.jit(partial(runge_kutta, tendency), static_argnames=("step", "steps"))
        grid = Grid((0.0,), (0.0, 120.0, 240.0), VerticalCoordinate("index", (1.0,)))
        self.layout = Layout(grid, ("lorenz_63",))

    def forecast(
        self,
        states: State,
        valid_time: np.datetime64,
        lead_hours: int,
        previous: State | None = None,
    ) -> State:
        """States `lead_hours` later, whatever `valid_time`; see `ForecastModel.forecast`."""
        check_request(states, self.layout, lead_hours, self.step_hours, previous)
        steps = lead_hours // self.step_hours * STEPS_IN_WINDOW
        x = self._advance(states.values[:, 0, :, 0], step=STEP, steps=steps)
        return State(x[:, None, :, None], self.layout)


def tendency(state: Float[Array, "*batch 3"]) -> Float[Array, "*batch 3"]:
    """The equations above."""
    x, y, z = state[..., 0], state[..., 1], state[..., 2]
    return jnp.stack([10.0 * (y - x), 28.0 * x - y - x * z, x * y - 8.0 / 3.0 * z], axis=-1)
