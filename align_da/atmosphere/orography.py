"""Surface pressure over another orography, by hydrostatic balance.

    p₂ = p₁ exp(−(Φ₂ − Φ₁) / (R_d T)),

with Φ the geopotential of both surfaces and T the temperature of the lowest level for that of the
layer between them: first order in the difference of heights, which is how coarse analyses are
brought to a finer orography (ECMWF, IFS documentation, part II, section 2: p_s from Φ_s).
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.atmosphere.state import State
from align_da.constants import DRY_AIR_GAS_CONSTANT


def on_orography(
    state: State, before: Float[Array, "lat lon"], after: Float[Array, "lat lon"]
) -> State:
    """The state with its surface pressure moved to another orography, all else as it is.

    Args:
        state: one or more states in SI units; returned as it is if it holds no surface pressure
            or no temperature.
        before: geopotential of the surface that the state has now, m2 s-2.
        after: of the one that it is moved to.
    """
    if not {"surface_pressure", "temperature"} <= set(state.layout.variables):
        return state
    lowest = state["temperature"][..., -1]
    factor = jnp.exp((before - after) / (DRY_AIR_GAS_CONSTANT * lowest))
    place = state.layout.channels_of("surface_pressure")
    values = state.values.at[..., place].multiply(factor[..., None])
    return State(values, state.layout)
