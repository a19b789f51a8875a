"""What a state of the atmosphere is."""

from align_da.atmosphere.columns import at_pressure, geopotential_of, pressure_of
from align_da.atmosphere.grid import Grid, VerticalCoordinate
from align_da.atmosphere.normalisation import Normalisation
from align_da.atmosphere.plain_grids import limited_area, periodic_line
from align_da.atmosphere.state import Channel, Layout, State, state_from_fields
from align_da.atmosphere.variables import VARIABLES, Variable, variable_named

__all__ = [
    "VARIABLES",
    "Channel",
    "Grid",
    "Layout",
    "Normalisation",
    "State",
    "Variable",
    "VerticalCoordinate",
    "at_pressure",
    "geopotential_of",
    "limited_area",
    "periodic_line",
    "pressure_of",
    "state_from_fields",
    "variable_named",
]
