"""Names of earth2studio for the channels of a state and for what is observed.

Its lexicon (earth2studio 0.19, earth2studio/lexicon/base.py) has "t850" for temperature at 850
hPa, "t2m" at 2 m, "sp" and "msl"; frames of soundings have "t" with the pressure in a column, and
"pres" for the pressure at a station. It has no names for sigma levels: a number that it would read
as hPa would be untrue, so that those end in "sigma" ("t0.95sigma"). Units are SI in both.
"""

import re
from dataclasses import dataclass

import numpy as np

from align_da.atmosphere import Channel, Layout

_ON_LEVELS = {
    "u": "u_component_of_wind",
    "v": "v_component_of_wind",
    "t": "temperature",
    "q": "specific_humidity",
    "z": "geopotential",
}
_AT_SURFACE = {
    "sp": "surface_pressure",
    "msl": "mean_sea_level_pressure",
    "t2m": "2m_temperature",
    "u10m": "10m_u_component_of_wind",
    "v10m": "10m_v_component_of_wind",
}
_STATION_PRESSURE = "pres"
_WITH_PRESSURE = ("u", "v", "t", "q")  # "z" without a level is the height of the ground
_AT_PRESSURE = re.compile(r"([uvtqz])(\d+(?:\.\d+)?)")
_NAMES = {variable: name for name, variable in (_ON_LEVELS | _AT_SURFACE).items()}


@dataclass(frozen=True)
class Observed:
    """What a name in a data frame means.

    Attributes:
        variable: WeatherBench 2 name.
        at_level: whether the observation is on a level, or at the surface.
        level: Pa; NaN where the name does not tell it.
    """

    variable: str
    at_level: bool
    level: float = np.nan


def has_names(layout: Layout) -> bool:
    """Whether every variable of the layout has a name in earth2studio."""
    return set(layout.variables) <= set(_NAMES)


def channel_names(layout: Layout) -> tuple[str, ...]:
    """The name of every channel in order: "u500" on pressure levels, "u0.51sigma" on sigma."""
    return tuple(_channel_name(channel, layout) for channel in layout.channels)


def _channel_name(channel: Channel, layout: Layout) -> str:
    name = _NAMES[channel.variable.name]
    if channel.level is None:
        return name
    vertical = layout.grid.vertical
    level = vertical.levels[channel.level]
    return f"{name}{level:g}sigma" if vertical.kind == "sigma" else f"{name}{level / 100:g}"


def observable_names(layout: Layout) -> tuple[str, ...]:
    """The names that observations of a state may have.

    Beyond them every other pressure level is understood ("t775"), also where states are on sigma.
    """
    pressure = layout.grid.vertical.kind == "pressure"
    levels = channel_names(layout) if pressure else ()
    others = (*_WITH_PRESSURE, *_AT_SURFACE, _STATION_PRESSURE)
    found = (*levels, *(name for name in others if observed(name, layout) is not None))
    return tuple(dict.fromkeys(found))


def observed(name: str, layout: Layout) -> Observed | None:
    """What `name` means in a data frame; None if it is nothing that the state holds."""
    meaning = _meaning(name)
    return meaning if meaning is not None and meaning.variable in layout.variables else None


def _meaning(name: str) -> Observed | None:
    if name in _AT_SURFACE:
        return Observed(_AT_SURFACE[name], at_level=False)
    if name == _STATION_PRESSURE:
        return Observed("surface_pressure", at_level=False)
    if name in _WITH_PRESSURE:
        return Observed(_ON_LEVELS[name], at_level=True)
    at_pressure = _AT_PRESSURE.fullmatch(name)
    if at_pressure is None:
        return None
    short, level = at_pressure.groups()
    return Observed(_ON_LEVELS[short], at_level=True, level=100.0 * float(level))
