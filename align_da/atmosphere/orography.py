"""Surface pressure over another orography, by hydrostatic balance.

In the layer between the two surfaces the virtual temperature falls by Γ = 6.5 K/km, and

    p₂ = p₁ (1 − Γ (Φ₂ − Φ₁) / (g T₁))^(g / (R_d Γ)),     T₁ = T_L (p₁ / p_L)^(R_d Γ / g),

with Φ the geopotential of both surfaces, T_L the virtual temperature of the lowest level, at
pressure p_L, and T₁ the same at the surface: that level may lie above it or below (U.S. Standard
Atmosphere 1976, equation 33a; Trenberth, Berry and Buja 1993, NCAR/TN-396, as weather centres
reduce pressure).
"""

from jaxtyping import Array, Float

from align_da.atmosphere.geopotential import virtual_temperature
from align_da.atmosphere.state import State
from align_da.constants import DRY_AIR_GAS_CONSTANT, GRAVITY, STANDARD_LAPSE_RATE

_EXPONENT = DRY_AIR_GAS_CONSTANT * STANDARD_LAPSE_RATE / GRAVITY


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
    vertical = state.layout.grid.vertical
    pressure = state["surface_pressure"][..., 0]
    lowest = vertical.levels[-1] * (pressure if vertical.kind == "sigma" else 1.0)
    temperature = virtual_temperature(state)[..., -1] * (pressure / lowest) ** _EXPONENT
    warmth = 1 - STANDARD_LAPSE_RATE * (after - before) / (GRAVITY * temperature)
    place = state.layout.channels_of("surface_pressure")
    values = state.values.at[..., place].multiply(warmth[..., None] ** (1 / _EXPONENT))
    return State(values, state.layout)
