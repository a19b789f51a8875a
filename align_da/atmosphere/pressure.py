"""Pressure of the levels of a state, and the mass between them; float64."""

import numpy as np
from jaxtyping import Float

from align_da.atmosphere.state import Layout, State
from align_da.constants import GRAVITY


def has_pressure(layout: Layout) -> bool:
    """Whether the pressure of every level is known."""
    kind = layout.grid.vertical.kind
    return kind == "pressure" or (kind == "sigma" and "surface_pressure" in layout.variables)


def pressure_of_levels(state: State) -> Float[np.ndarray, "*batch lat lon level"]:
    """Pressure, Pa.

    Args:
        state: one or more states whose layout has pressure.
    """
    levels = np.asarray(state.layout.grid.vertical.levels)
    if state.layout.grid.vertical.kind == "sigma":
        return levels * np.asarray(state["surface_pressure"], np.float64)
    return np.broadcast_to(levels, (*state.values.shape[:-1], levels.size))


def mass_of_layers(state: State) -> Float[np.ndarray, "*batch lat lon level"]:
    """Mass of the layer around every level, Δp / g, kg m-2.

    Layers end half way between levels; the outermost at the top of the atmosphere and at the
    ground of sigma levels, or at the lowest pressure level.
    """
    pressure = pressure_of_levels(state)
    top = np.zeros_like(pressure[..., :1])
    ground = pressure[..., -1:]
    if state.layout.grid.vertical.kind == "sigma":
        ground = np.asarray(state["surface_pressure"], np.float64)
    between = (pressure[..., 1:] + pressure[..., :-1]) / 2
    return np.diff(np.concatenate([top, between, ground], axis=-1)) / GRAVITY
