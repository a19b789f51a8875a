"""The variable table: names, units and plausible bounds of every variable that a state can hold.

Names are those of WeatherBench 2 (https://weatherbench2.readthedocs.io), standard names those of
the CF table. Units are SI; conversion happens only where data enter or leave.
"""

from dataclasses import dataclass
from typing import Literal

from align_da.errors import ConfigError


@dataclass(frozen=True)
class Variable:
    """One variable of the state.

    Attributes:
        name: WeatherBench 2 name.
        standard_name: CF standard name.
        units: SI unit.
        symbol: short name for tables and figures.
        location: on the levels of the vertical coordinate, or at the surface.
        bounds: lowest and highest plausible value, in `units`.
    """

    name: str
    standard_name: str
    units: str
    symbol: str
    location: Literal["levels", "surface"]
    bounds: tuple[float, float]

    @property
    def on_levels(self) -> bool:
        """Whether the variable has one channel a level."""
        return self.location == "levels"


_VARIABLES = (
    Variable("u_component_of_wind", "eastward_wind", "m s-1", "u", "levels", (-200.0, 200.0)),
    Variable("v_component_of_wind", "northward_wind", "m s-1", "v", "levels", (-200.0, 200.0)),
    Variable("temperature", "air_temperature", "K", "T", "levels", (100.0, 350.0)),
    Variable("specific_humidity", "specific_humidity", "kg kg-1", "q", "levels", (-0.005, 0.06)),
    Variable("geopotential", "geopotential", "m2 s-2", "z", "levels", (-1.0e4, 6.0e5)),
    Variable("surface_pressure", "surface_air_pressure", "Pa", "p_s", "surface", (4.0e4, 1.1e5)),
    Variable(
        "mean_sea_level_pressure",
        "air_pressure_at_mean_sea_level",
        "Pa",
        "msl",
        "surface",
        (8.5e4, 1.1e5),
    ),
    Variable("2m_temperature", "air_temperature", "K", "t2m", "surface", (180.0, 340.0)),
    Variable(
        "10m_u_component_of_wind", "eastward_wind", "m s-1", "u10", "surface", (-100.0, 100.0)
    ),
    Variable(
        "10m_v_component_of_wind", "northward_wind", "m s-1", "v10", "surface", (-100.0, 100.0)
    ),
    # Of any other system: what it means is the matter of whoever makes it.
    Variable("abstract_field", "abstract_field", "1", "x", "levels", (-1.0e6, 1.0e6)),
    Variable("lorenz_63", "lorenz_63_variable", "1", "x", "levels", (-100.0, 100.0)),
    Variable("lorenz_96", "lorenz_96_variable", "1", "x", "levels", (-100.0, 100.0)),
)

VARIABLES: dict[str, Variable] = {variable.name: variable for variable in _VARIABLES}


def variable_named(name: str) -> Variable:
    """The table row of `name`.

    Raises:
        ConfigError: the table has no such variable.
    """
    if name not in VARIABLES:
        message = f"unknown variable {name!r}: expected one of {', '.join(VARIABLES)}"
        raise ConfigError(message)
    return VARIABLES[name]
