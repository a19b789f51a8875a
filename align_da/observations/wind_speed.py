"""Wind speed, the one nonlinear operator: |V| = sqrt(u² + v² + s²) − s with u and v interpolated.

The floor s = 1e-3 m/s keeps the derivative finite in calm air.
"""

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.atmosphere import Layout, State
from align_da.observations.batch import ObservationBatch
from align_da.observations.interpolation import InterpolationOperator, interpolation_operator

_CALM = 1e-3  # m/s


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class WindSpeedOperator:
    """H of reports of wind speed, m/s; fulfils `ObservationOperator`.

    Attributes:
        eastward: interpolates u to the observations.
        northward: interpolates v to the observations.
    """

    eastward: InterpolationOperator
    northward: InterpolationOperator

    def __call__(self, state: State) -> Float[Array, "*batch observation"]:
        """Wind speed of one or more states, m/s."""
        squares = self.eastward(state) ** 2 + self.northward(state) ** 2
        return jnp.sqrt(squares + _CALM**2) - _CALM


def wind_speed_operator(batch: ObservationBatch, layout: Layout) -> WindSpeedOperator:
    """Bind the operator to the positions of `batch`, whose variable is not read.

    Raises:
        InputError: the state has no wind on levels.
    """
    components = ("u_component_of_wind", "v_component_of_wind")
    for name in components:
        layout.channels_of(name)  # raises where there is none
    eastward, northward = (
        interpolation_operator(
            replace(batch, variable=jnp.full_like(batch.variable, layout.variables.index(name))),
            layout,
        )
        for name in components
    )
    return WindSpeedOperator(eastward, northward)
