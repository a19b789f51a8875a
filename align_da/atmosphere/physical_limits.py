"""What variables can be by their nature: a mass is not negative, and vapour condenses.

Limits are not the plausible bounds of the variable table, beyond which a state is broken: spectral
models pass them by themselves, a little, at many points.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from align_da.atmosphere.pressure import has_pressure, pressure_of_levels
from align_da.atmosphere.saturation import saturation_specific_humidity
from align_da.atmosphere.state import State
from align_da.atmosphere.variables import variable_named


@dataclass(frozen=True)
class Limits:
    """Limits of one variable of some states.

    Attributes:
        variable: its name.
        least: lowest value that it can have, in its unit; -inf where nothing limits it.
        greatest: highest value; inf where nothing limits it.
    """

    variable: str
    least: float
    greatest: Float[np.ndarray, "*batch lat lon level"]


def physical_limits(state: State) -> Iterator[Limits]:
    """The limits of every variable that has any.

    What condenses is limited by saturation at the temperature and pressure of each state, where
    the state holds them.
    """
    for name in state.layout.variables:
        variable = variable_named(name)
        if variable.least is not None or variable.condenses:
            least = -np.inf if variable.least is None else variable.least
            greatest = _saturation(state) if variable.condenses else np.asarray(np.inf)
            values = np.asarray(state[name])
            yield Limits(name, least, np.broadcast_to(greatest, values.shape).astype(values.dtype))


def _saturation(state: State) -> Float[np.ndarray, "..."]:
    """Specific humidity of saturated air; infinite where it is not known."""
    if "temperature" not in state.layout.variables or not has_pressure(state.layout):
        return np.asarray(np.inf)
    temperature = np.asarray(state["temperature"], np.float64)
    saturated = saturation_specific_humidity(temperature, pressure_of_levels(state))
    return np.where(np.isnan(saturated), np.inf, saturated)
