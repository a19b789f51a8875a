"""Observations at several times of a window: with this operator 3D-Var is 4D-Var.

    H(x) = [H_k(M_k(x))]_k

with x the state at the valid time and M_k the forecast from there to the time of observation k:
strong-constraint 4D-Var (Le Dimet and Talagrand 1986, Tellus 38A, 97-110), its adjoint by JAX.
Guidance takes it as it takes any other operator. Without a model in H, and for observations before
the valid time too: `align_da.observations.own_times`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from align_da.atmosphere import Layout, State
from align_da.errors import InputError
from align_da.forecast.contract import ForecastModel
from align_da.observations.batch import ObservationBatch
from align_da.observations.contract import ObservationOperator

_SECONDS = 3600


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TrajectoryOperator:
    """H of observations within a window; fulfils `ObservationOperator`.

    Attributes:
        operator: H at the time of each observation.
        step: number of forecast steps from the valid time to each observation.
        model: the forecast model, traceable by JAX.
        valid_time: of the states.
        steps: the largest of `step`.
    """

    operator: ObservationOperator
    step: Int[Array, " observation"]
    model: ForecastModel = field(metadata={"static": True})
    valid_time: np.datetime64 = field(metadata={"static": True})
    steps: int = field(metadata={"static": True})

    def __call__(self, state: State) -> Float[Array, "*batch observation"]:
        """Model equivalents of one or more states, SI units of each observation."""
        batch = state.values.shape[:-3]
        now = State(state.values.reshape(-1, *state.values.shape[-3:]), state.layout)
        found = jnp.where(self.step == 0, self.operator(now), 0.0)
        hours = self.model.step_hours
        for step in range(1, self.steps + 1):
            time = self.valid_time + np.timedelta64(hours * (step - 1), "h")
            now = self.model.forecast(now, time, hours)
            found = jnp.where(self.step == step, self.operator(now), found)
        return found.reshape(*batch, -1)


def trajectory_operator(
    operator_for: Callable[[ObservationBatch, Layout], ObservationOperator],
    model: ForecastModel,
    valid_time: np.datetime64,
) -> Callable[[ObservationBatch, Layout], TrajectoryOperator]:
    """How to bind H after the forecast to a batch.

    Args:
        operator_for: gives H at the time of the observations.
        model: the forecast model, traceable by JAX.
        valid_time: of the states.
    """

    def bind(batch: ObservationBatch, layout: Layout) -> TrajectoryOperator:
        exact = np.asarray(batch.time) / (_SECONDS * model.step_hours)
        step = np.rint(exact).astype(np.int32)
        if np.any(np.abs(exact - step) > 1e-3) or np.any(step < 0):
            message = (
                f"expected observations at multiples of {model.step_hours} hours from the valid "
                f"time on, got {np.unique(batch.time) / _SECONDS} hours: move them to the steps"
            )
            raise InputError(message)
        last = int(step.max(initial=0))
        return TrajectoryOperator(
            operator_for(batch, layout), jnp.asarray(step), model, valid_time, last
        )

    return bind
