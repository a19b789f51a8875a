"""The state of the atmosphere: named variables on a grid, held as one array of channels.

Channels last: [..., lat, lon, channel] is what convolutions want and what every room passes on;
the names are a view of it. Which variables and levels there are comes from the layout alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.atmosphere.grid import Grid
from align_da.atmosphere.html_table import html_table, is_known
from align_da.atmosphere.variables import Variable, check_variable, variable_named
from align_da.checks import check_kind, in_brief
from align_da.errors import InputError


@dataclass(frozen=True)
class Channel:
    """One channel: a variable at one level (index from the top; None at the surface)."""

    variable: Variable
    level: int | None


@dataclass(frozen=True)
class Layout:
    """What the channels of a state mean: the grid and the order of variables and levels.

    Attributes:
        grid: horizontal grid and vertical coordinate.
        variables: WeatherBench 2 names, in channel order; each takes one channel a level.

    Raises:
        InputError: there is no grid, or no tuple of names.
        ConfigError: there is no variable of a name.
    """

    grid: Grid
    variables: tuple[str, ...]

    def __post_init__(self) -> None:
        check_kind("the grid of a layout", self.grid, Grid, "a Grid")
        names = self.variables
        if not isinstance(names, tuple) or not names or len({*names}) < len(names):
            message = (
                "the variables of a layout: expected a tuple of names, each once, such as "
                f"('temperature',), got {in_brief(names)}"
            )
            raise InputError(message)
        for name in names:
            check_variable(name)

    @cached_property
    def channels(self) -> tuple[Channel, ...]:
        """Every channel in order."""
        found: list[Channel] = []
        for name in self.variables:
            variable = variable_named(name)
            levels = range(self.grid.level_count) if variable.on_levels else (None,)
            found += [Channel(variable, level) for level in levels]
        return tuple(found)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape (lat, lon, channel) of one state."""
        return (*self.grid.shape, len(self.channels))

    def __repr__(self) -> str:
        return f"<Layout {', '.join(self.variables)} on {self.grid!r}>"

    def channels_of(self, name: str) -> slice:
        """The channels of variable `name`, as a slice of the channel axis.

        Raises:
            InputError: the layout has no such variable.
        """
        indices = [i for i, channel in enumerate(self.channels) if channel.variable.name == name]
        if not indices:
            message = f"the state has no variable {name!r}: it holds {', '.join(self.variables)}"
            raise InputError(message)
        return slice(indices[0], indices[-1] + 1)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class State:
    """One or more states of the atmosphere in physical (SI) units.

    A background that is observed at several times has a `drift`: in the slots of the time window
    it is `values + drift`. What `dataclasses.replace` makes of it drifts alike, as if increments
    persisted; a state without a drift stands still.

    Attributes:
        values: [..., lat, lon, channel]; leading axes are members, cases or times.
        layout: what the channels mean (static under JAX transforms).
        drift: [..., slot, lat, lon, channel], or None.
    """

    values: Float[Array, "*batch lat lon channel"]
    layout: Layout = field(metadata={"static": True})
    drift: Float[Array, "*batch slot lat lon channel"] | None = None

    def __post_init__(self) -> None:
        # JAX puts other things in the place of values while it transforms what holds a state.
        known = isinstance(self.values, jax.Array | np.ndarray)
        if known:
            check_kind("the layout of a state", self.layout, Layout, "a Layout")
        if known and self.values.shape[-3:] != self.layout.shape:
            message = (
                f"expected values [..., lat, lon, channel] with trailing shape {self.layout.shape}"
                f" for {self.layout!r}, got {self.values.shape}"
            )
            raise InputError(message)
        if known and isinstance(self.drift, jax.Array | np.ndarray):
            self._check_drift(self.drift.shape)

    def _check_drift(self, shape: tuple[int, ...]) -> None:
        if shape[:-4] + shape[-3:] != self.values.shape or len(shape) != self.values.ndim + 1:
            message = (
                "expected a drift [..., slot, lat, lon, channel] of values of shape "
                f"{self.values.shape}, got {shape}"
            )
            raise InputError(message)

    @property
    def in_slots(self) -> Float[Array, "*batch slot lat lon channel"]:
        """States in the slots of a window, [..., slot, lat, lon, channel]; one if still."""
        at_once = self.values[..., None, :, :, :]
        return at_once if self.drift is None else at_once + self.drift

    def __getitem__(self, name: str) -> Float[Array, "*batch lat lon level"]:
        """The variable `name` on its levels (one level for a surface variable), SI units."""
        return self.values[..., self.layout.channels_of(name)]

    def __repr__(self) -> str:
        shape = getattr(self.values, "shape", "unknown")
        return f"<State {shape}, {', '.join(self.layout.variables)} on {self.layout.grid!r}>"

    def _repr_html_(self) -> str:
        """What notebooks show: one row a variable."""
        columns = ("variable", "units", "levels", "mean", "least", "greatest")
        return html_table(repr(self), columns, map(self._described, self.layout.variables))

    def _described(self, name: str) -> tuple[object, ...]:
        """Name, unit and levels of a variable, and its mean and bounds where they are known."""
        values = self[name] if is_known(self.values) else np.empty(0)
        told = (values.mean(), values.min(), values.max()) if values.size else ()
        numbers = [f"{float(number):.6g}" for number in told] or [""] * 3
        span = self.layout.channels_of(name)
        return name, variable_named(name).units, span.stop - span.start, *numbers


def ensemble_mean(ensemble: State) -> State:
    """The mean over the first axis, of the drift too."""
    mean: State = jax.tree.map(lambda leaf: leaf.mean(axis=0), ensemble)
    return mean


def ensemble_of_mean(ensemble: State) -> State:
    """An ensemble of one member, the mean of another."""
    alone: State = jax.tree.map(lambda leaf: leaf[None], ensemble_mean(ensemble))
    return alone


def check_state(what: str, value: object) -> None:
    """Raise an InputError unless `value` is a state.

    Args:
        what: of what it is given as, for the message.
        value: whatever came.
    """
    check_kind(what, value, State, "a State (state_from_dataset makes one of a dataset)")


def state_from_fields(
    fields: Mapping[str, Float[Array | np.ndarray, "*batch lat lon level"]], layout: Layout
) -> State:
    """Assemble a state from named variables.

    Args:
        fields: every variable of the layout, [..., lat, lon, level] in SI units, top level first
            (one level for a surface variable).
        layout: the layout of the result.

    Raises:
        InputError: a variable is missing or has another grid or number of levels.
    """
    parts = []
    for name in layout.variables:
        levels = layout.grid.level_count if variable_named(name).on_levels else 1
        expected = (*layout.grid.shape, levels)
        if name not in fields or fields[name].shape[-3:] != expected:
            came = fields[name].shape if name in fields else f"only {', '.join(fields)}"
            message = f"expected {name!r} with trailing shape {expected}, got {came}"
            raise InputError(message)
        parts.append(jnp.asarray(fields[name]))
    return State(jnp.concatenate(parts, axis=-1), layout)
