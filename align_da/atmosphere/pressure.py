"""Pressure of the levels of a state, and the mass between them; float64."""

import numpy as np
from jaxtyping import Float

from align_da.atmosphere.grid import VerticalCoordinate
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

    The lowest layer ends at the ground of sigma levels, or at the lowest pressure level.
    """
    vertical = state.layout.grid.vertical
    if vertical.kind == "sigma":
        surface = np.asarray(state["surface_pressure"], np.float64)
        return depth_of_layers(vertical, 1.0) * surface / GRAVITY
    depth = depth_of_layers(vertical, vertical.levels[-1]) / GRAVITY
    return np.broadcast_to(depth, (*state.values.shape[:-1], depth.size))


def depth_of_layers(vertical: VerticalCoordinate, ground: float) -> Float[np.ndarray, " level"]:
    """Depth of the layer around each level, in the unit of the coordinate.

    Layers end half way between levels, the outermost at the top of the atmosphere and at `ground`.
    """
    levels = np.asarray(vertical.levels)
    return np.diff(np.concatenate([[0.0], (levels[1:] + levels[:-1]) / 2, [ground]]))
