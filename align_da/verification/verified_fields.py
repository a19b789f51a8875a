"""Which parts of the state the tables show: whole variables and a few well-known levels.

A whole variable is summarised over the levels at and below 0.2 of the surface pressure: the
stratosphere of a few coarse levels says more about the lid of the model than about the analysis.
"""

from dataclasses import dataclass

import numpy as np

from align_da.atmosphere import Layout, VerticalCoordinate, variable_named

_TOP = 0.2
_NAMED_LEVELS = (("u_component_of_wind", 0.25), ("temperature", 0.85), ("geopotential", 0.5))
_STANDARD_PRESSURE = 1.0e5  # Pa, what a pressure level is divided by to compare it with sigma


@dataclass(frozen=True)
class VerifiedField:
    """A variable on some of its levels, scored as one number.

    Attributes:
        label: name in tables and figures.
        variable: WeatherBench 2 name.
        levels: indices from the top (0 for a surface variable); scores average squares over them.
    """

    label: str
    variable: str
    levels: tuple[int, ...]

    @property
    def units(self) -> str:
        """SI unit of the variable."""
        return variable_named(self.variable).units


def default_fields(layout: Layout) -> tuple[VerifiedField, ...]:
    """Every variable over the troposphere, then u, T and geopotential at one level each."""
    whole = [_whole_variable(layout, name) for name in layout.variables]
    if layout.grid.vertical.kind == "index":
        return tuple(whole)
    named = [
        _nearest_level(layout, name, height)
        for name, height in _NAMED_LEVELS
        if name in layout.variables
    ]
    return (*whole, *named)


def fields_by_level(layout: Layout) -> tuple[VerifiedField, ...]:
    """Every level of every variable that has levels, from the top; abstract systems have none."""
    if layout.grid.vertical.kind == "index":
        return ()
    return tuple(
        _on_level(layout, name, level)
        for name in layout.variables
        if variable_named(name).on_levels
        for level in range(layout.grid.level_count)
    )


def told_levels(vertical: VerticalCoordinate) -> list[str]:
    """Where every level lies, as "σ 0.25" or "500 hPa": in as many digits as tell them apart."""
    sigma = vertical.kind == "sigma"
    for digits in range(2 if sigma else 0, 9):
        names = [
            f"σ {level:.{digits}f}" if sigma else f"{level / 100:.{digits}f} hPa"
            for level in vertical.levels
        ]
        if len(set(names)) == len(names):
            break
    return names


def _whole_variable(layout: Layout, name: str) -> VerifiedField:
    """The variable over all its levels from `_TOP` down."""
    variable = variable_named(name)
    if not variable.on_levels:
        return VerifiedField(variable.symbol, name, (0,))
    heights = _share_of_surface_pressure(layout.grid.vertical)
    kept = np.flatnonzero(heights >= _TOP)
    return VerifiedField(variable.symbol, name, tuple(int(level) for level in kept))


def _nearest_level(layout: Layout, name: str, height: float) -> VerifiedField:
    """The variable on the level nearest to a share of the surface pressure."""
    vertical = layout.grid.vertical
    level = int(np.argmin(np.abs(_share_of_surface_pressure(vertical) - height)))
    return _on_level(layout, name, level)


def _on_level(layout: Layout, name: str, level: int) -> VerifiedField:
    """The variable on one level."""
    place = told_levels(layout.grid.vertical)[level]
    return VerifiedField(f"{variable_named(name).symbol} ({place})", name, (level,))


def _share_of_surface_pressure(vertical: VerticalCoordinate) -> np.ndarray:
    """Levels as a share of the surface pressure; an abstract system lies wholly at 1."""
    levels = np.asarray(vertical.levels)
    if vertical.kind == "index":
        return np.ones_like(levels)
    return levels if vertical.kind == "sigma" else levels / _STANDARD_PRESSURE
