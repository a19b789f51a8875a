"""What quality control expects of an operator that is not linear interpolation."""

import jax
import jax.numpy as jnp
import numpy as np
from faults.observed_world import LAYOUT
from jaxtyping import Array

from align_da.atmosphere import State
from align_da.observations.error_model import InstrumentErrors
from align_da.observations.interpolation import interpolation_operator
from align_da.observations.networks import random_network
from align_da.observations.simulate import planned_observations
from align_da.runs.observing_system import _sampled_variance


def test_the_variance_of_a_nonlinear_operator_follows_from_past_errors() -> None:
    """Of H x = 3 |x|, far from zero: nine times that of x."""
    network = random_network(LAYOUT.grid, 0.2, jax.random.key(0))
    planned = planned_observations(network, LAYOUT, InstrumentErrors())
    linear = interpolation_operator(planned, LAYOUT)

    def operator(state: State) -> Array:
        return 3 * jnp.abs(linear(state))

    errors = State(jax.random.normal(jax.random.key(1), (60, *LAYOUT.shape)), LAYOUT)
    background = State(jnp.full((2, *LAYOUT.shape), 1000.0), LAYOUT)
    used = errors.values[:40]
    expected = 9 * jnp.var(linear(State(used, LAYOUT)), axis=0)
    found = _sampled_variance(operator, background, errors)
    np.testing.assert_allclose(found, expected, rtol=1e-3)
