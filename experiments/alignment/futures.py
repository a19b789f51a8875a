"""Truths and forecasts some windows ahead of an analysis.

Truths go on by nature, forecasts by the model, which in one of the worlds is not perfect.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.atmosphere import State
from align_da.forecast import ForecastModel
from experiments.closed_loop.worlds import LAYOUT, WINDOW_HOURS, World

LEADS = (0, 1, 2, 4, 8)
"""Windows; at 0 it is the analysis itself."""
REWARDED, HELD_OUT = (1, 2, 4), 8
_ANY_TIME = np.datetime64("2000-01-01", "ns")  # the models know none


def truths_ahead(
    world: World, truth: Float[Array, "lat lon channel"]
) -> Float[Array, "lead lat lon channel"]:
    """The truth at every one of `LEADS`."""
    found = states_ahead(world.nature or world.model, truth[None], LEADS)
    return jnp.stack(found)[:, 0]


def states_ahead(
    model: ForecastModel, states: Float[Array, "state lat lon channel"], leads: tuple[int, ...]
) -> list[Float[Array, "state lat lon channel"]]:
    """States at increasing leads, in windows, each from the one before."""
    found, reached = [], 0
    for lead in leads:
        if lead > reached:
            hours = (lead - reached) * WINDOW_HOURS
            states = model.forecast(State(states, LAYOUT), _ANY_TIME, hours).values
        found.append(states)
        reached = lead
    return found
