"""A forecast model of a function: one step of one state, in JAX."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

import jax
import numpy as np
from jaxtyping import Array, Float

from align_da.atmosphere import Layout, State
from align_da.errors import InputError
from align_da.forecast.checks import check_request

Step = Callable[[Float[Array, "lat lon channel"]], Float[Array, "lat lon channel"]]


@dataclass(frozen=True)
class FunctionForecastModel:
    """A `ForecastModel` that knows no time: every step is the same function.

    Attributes:
        step: the values of a state, [lat, lon, channel] in SI units, `step_hours` later. It must
            be traceable by JAX; it is batched and compiled here.
        layout: of the states.
        step_hours: what one step stands for; of an abstract system it is a convention.
    """

    step: Step
    layout: Layout
    step_hours: int = 6
    frames: ClassVar[Literal[1, 2]] = 1
    differentiable: ClassVar[bool] = True

    def forecast(
        self,
        states: State,
        valid_time: np.datetime64,
        lead_hours: int,
        previous: State | None = None,
    ) -> State:
        """States `lead_hours` later, whatever `valid_time`; see `ForecastModel.forecast`.

        Raises:
            InputError: also where the function gives another shape than it was given.
        """
        check_request(states, self.layout, lead_hours, self.step_hours, previous)
        given = states.values[0]
        found = jax.eval_shape(self.step, given)
        if (found.shape, found.dtype) != (given.shape, given.dtype):
            message = (
                f"expected a step that gives {given.shape} {given.dtype} as it was given, got "
                f"{found.shape} {found.dtype}"
            )
            raise InputError(message)
        steps = lead_hours // self.step_hours
        return State(_advance(states.values, self.step, steps), self.layout)


@partial(jax.jit, static_argnames=("step", "steps"))
def _advance(
    values: Float[Array, "batch lat lon channel"], step: Step, steps: int
) -> Float[Array, "batch lat lon channel"]:
    """`steps` steps of every state."""
    last: Float[Array, "batch lat lon channel"] = jax.lax.scan(
        lambda now, _: (jax.vmap(step)(now), None), values, None, length=steps
    )[0]
    return last
