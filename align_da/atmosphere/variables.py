"""The variable table: names, units and plausible bounds of every variable that a state can hold.

Names are those of WeatherBench 2 (https://weatherbench2.readthedocs.io), standard names those of
the CF table. Units are SI; conversion happens only where data enter or leave.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf, sqrt
from typing import Literal

from align_da.checks import in_brief
from align_da.errors import ConfigError, InputError
from align_da.registry import STATE_VARIABLES


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
        observation_error: standard deviation of what a station reports of it, in `units`, where
            the section [observations] has none; None where no station reports it.
        least: what it cannot be less than by its nature, in `units`; None where nothing is known.
        condenses: whether it is at most the specific humidity of saturated air.
    """

    name: str
    standard_name: str
    units: str
    symbol: str
    location: Literal["levels", "surface"]
    bounds: tuple[float, float]
    observation_error: float | None = None
    least: float | None = None
    condenses: bool = False

    def __post_init__(self) -> None:
        lowest, highest = self.bounds
        wrong = {
            "location 'levels' or 'surface'": self.location not in {"levels", "surface"},
            "finite bounds, the lowest first": not -inf < lowest < highest < inf,
            "an observation error > 0, or None": self.observation_error is not None
            and not 0 < self.observation_error < inf,
        }
        for expected, applies in wrong.items():
            if applies:
                message = f"the variable {self.name!r}: expected {expected}, got {self!r}"
                raise InputError(message)

    @property
    def on_levels(self) -> bool:
        """Whether the variable has one channel a level."""
        return self.location == "levels"

    def with_unit(self, number: str) -> str:
        """A number with the unit behind it; what has the unit 1 is a number alone."""
        return number if self.units == "1" else f"{number} {self.units}"


_VARIABLES = (
    Variable("u_component_of_wind", "eastward_wind", "m s-1", "u", "levels", (-200.0, 200.0)),
    Variable("v_component_of_wind", "northward_wind", "m s-1", "v", "levels", (-200.0, 200.0)),
    Variable("temperature", "air_temperature", "K", "T", "levels", (100.0, 350.0)),
    Variable(
        "specific_humidity",
        "specific_humidity",
        "kg kg-1",
        "q",
        "levels",
        (-0.005, 0.06),
        least=0.0,
        condenses=True,
    ),
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
    # Errors are those of the published experiments, variances of 2 and 1.
    Variable("lorenz_63", "lorenz_63_variable", "1", "x", "levels", (-100.0, 100.0), sqrt(2)),
    Variable("lorenz_96", "lorenz_96_variable", "1", "x", "levels", (-100.0, 100.0), 1.0),
)


class _Variables(Mapping[str, Variable]):
    """The table above and the variables that other packages bring (`align_da.variables`)."""

    def __getitem__(self, name: str) -> Variable:
        foreign = _names_of_packages()
        for variable in _VARIABLES:
            if variable.name == name:
                return variable
        if name not in foreign:
            raise KeyError(name)
        return _checked(name, STATE_VARIABLES.load(name))

    def __iter__(self) -> Iterator[str]:
        yield from (variable.name for variable in _VARIABLES)
        yield from _names_of_packages()

    def __len__(self) -> int:
        return len(_VARIABLES) + len(_names_of_packages())


VARIABLES: Mapping[str, Variable] = _Variables()


def _names_of_packages() -> tuple[str, ...]:
    """Names of the variables that other packages bring.

    Raises:
        ConfigError: one is that of a variable in the table, which would be taken for it.
    """
    names = STATE_VARIABLES.names
    taken = [variable.name for variable in _VARIABLES if variable.name in names]
    if taken:
        message = (
            f"{STATE_VARIABLES.owner(taken[0])} has the name of a variable of Align-DA: give it "
            "another in its package, or uninstall that"
        )
        raise ConfigError(message)
    return names


def _checked(name: str, part: object) -> Variable:
    """What a package brings as the variable `name`.

    Raises:
        ConfigError: it is none, or one of another name.
    """
    owner = STATE_VARIABLES.owner(name)
    if not isinstance(part, Variable):
        message = f"{owner} has to be a Variable, got {in_brief(part)}: correct it in its package"
        raise ConfigError(message)
    if part.name != name:
        message = (
            f"{owner}: expected the name {name!r}, that of the entry point, got {part.name!r}: "
            "correct one of them in its package"
        )
        raise ConfigError(message)
    return part


def check_variable(name: object) -> None:
    """Raise a ConfigError unless there is a variable called `name`; nothing is imported."""
    names = tuple(VARIABLES)
    if name not in names:
        nearest = difflib.get_close_matches(str(name)[:100], names, n=1, cutoff=0.6)
        hint = f"did you mean {nearest[0]!r}? " if nearest else ""
        message = (
            f"unknown variable {in_brief(name)}: {hint}expected one of {', '.join(names)}, or the "
            f"package that brings it ({STATE_VARIABLES.group})"
        )
        raise ConfigError(message)


def variable_named(name: str) -> Variable:
    """The table row of `name`.

    Raises:
        ConfigError: the table has no such variable.
    """
    check_variable(name)
    return VARIABLES[name]
