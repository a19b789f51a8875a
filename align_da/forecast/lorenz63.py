"""The three variables of Lorenz (1963), the smallest chaotic anchor with published scores.

    dx/dt = σ (y − x),   dy/dt = ρ x − y − x z,   dz/dt = x y − β z,

with σ = 10, ρ = 28, β = 8/3 in the paper, integrated by the classical Runge-Kutta scheme.
Source: Lorenz 1963, J. Atmos. Sci. 20, 130-141, equations 25 to 27.
"""

from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.atmosphere import Layout, State, periodic_line
from align_da.errors import InputError
from align_da.forecast.checks import check_request
from align_da.forecast.runge_kutta import runge_kutta

SIGMA, RHO, BETA = 10.0, 28.0, 8.0 / 3.0
STEP = 0.01
STEPS_IN_WINDOW = 25
"""Time steps in `step_hours`: the interval of observations in the published experiments."""


class Lorenz63ForecastModel:
    """A `ForecastModel` of three points on a circle of latitude: x, y and z.

    Attributes:
        layout: the variable "lorenz_63" on one level; values [batch, 1, 3, 1], dimensionless.
        step_hours: 6, by convention `steps` time steps, 0.25 units of time where not set.
        frames: 1.
        differentiable: True.
    """

    step_hours = 6
    frames: Literal[1, 2] = 1
    differentiable = True

    def __init__(
        self,
        sigma: float = SIGMA,
        rho: float = RHO,
        beta: float = BETA,
        step: float = STEP,
        steps: int = STEPS_IN_WINDOW,
    ) -> None:
        """Set up the equations.

        Args:
            sigma: σ, dimensionless as all of them.
            rho: ρ.
            beta: β.
            step: of time.
            steps: time steps in `step_hours`.

        Raises:
            InputError: there are no steps.
        """
        if steps < 1 or step <= 0:
            message = f"expected positive steps, got {step=} {steps=}"
            raise InputError(message)
        self.step, self.steps = step, steps
        equations = partial(tendency, sigma=sigma, rho=rho, beta=beta)
        self._advance = jax.jit(partial(runge_kutta, equations), static_argnames=("step", "steps"))
        self.layout = Layout(periodic_line(3), ("lorenz_63",))

    def start(self) -> State:
        """x, y and z = 0, 1 and 0, where Lorenz (1963) starts."""
        return State(jnp.asarray([0.0, 1.0, 0.0])[None, None, :, None], self.layout)

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


def tendency(
    state: Float[Array, "*batch 3"],
    sigma: float = SIGMA,
    rho: float = RHO,
    beta: float = BETA,
) -> Float[Array, "*batch 3"]:
    """The equations above."""
    x, y, z = state[..., 0], state[..., 1], state[..., 2]
    return jnp.stack([sigma * (y - x), rho * x - y - x * z, x * y - beta * z], axis=-1)
