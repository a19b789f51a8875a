"""Whether computed states are finite and within the bounds of the variable table."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from align_da.atmosphere.state import Channel, Layout
from align_da.errors import BadStateError


@dataclass(frozen=True)
class Offence:
    """What is not plausible of a member: its first value that is not finite or out of bounds.

    Attributes:
        member: number of the member.
        channel: of the value.
        value: in the unit of its variable.
        place: where it is, in words.
        count: how many such values the member has.
    """

    member: int
    channel: Channel
    value: np.floating
    place: str
    count: int

    def __str__(self) -> str:
        variable = self.channel.variable
        # As short as its precision allows: an f-string tells the digits of double precision.
        value = np.format_float_positional(self.value, trim="0")
        return (
            f"member {self.member} has {_named(self.channel)} = {variable.with_unit(value)} at "
            f"{self.place}, expected a finite value within {variable.bounds}"
        )


def offences(
    values: Float[np.ndarray, "member lat lon channel"], layout: Layout
) -> tuple[Offence, ...]:
    """One for each member that is not plausible, in order.

    Args:
        values: SI units.
        layout: what the channels mean.
    """
    low = np.array([channel.variable.bounds[0] for channel in layout.channels], values.dtype)
    high = np.array([channel.variable.bounds[1] for channel in layout.channels], values.dtype)
    good = (values >= low) & (values <= high)  # a NaN fails both comparisons
    if good.all():
        return ()
    members = np.flatnonzero(~good.all(axis=(1, 2, 3)))
    return tuple(_offence(int(m), values[m], ~good[m], layout) for m in members)


def check_plausible(
    values: Float[np.ndarray, "member lat lon channel"], layout: Layout, what: str
) -> None:
    """Refuse an ensemble that holds a value which is not finite or outside the bounds.

    Args:
        values: SI units.
        layout: what the channels mean.
        what: name of the ensemble for the message, such as "analysis of cycle 12".

    Raises:
        BadStateError: names member, variable, level, place and value of the first offender.
    """
    found = offences(values, layout)
    if found:
        raise BadStateError(described(found, what))


def described(found: tuple[Offence, ...], what: str) -> str:
    """What is wrong with an ensemble, in one line.

    Args:
        found: of its members that are not plausible, one at least.
        what: name of the ensemble.
    """
    count = sum(offence.count for offence in found)
    return f"{what}: {found[0]} ({count} such values in all)"


def _offence(
    member: int,
    values: Float[np.ndarray, "lat lon channel"],
    bad: Bool[np.ndarray, "lat lon channel"],
    layout: Layout,
) -> Offence:
    """What is wrong with one member."""
    lat, lon, channel = (int(i) for i in np.argwhere(bad)[0])
    grid = layout.grid
    row = "" if grid.is_row else f"latitude {grid.latitude[lat]:.2f}, "
    place = f"{row}longitude {grid.longitude[lon]:.2f}"
    value = values[lat, lon, channel]
    return Offence(member, layout.channels[channel], value, place, int(bad.sum()))


def _named(channel: Channel) -> str:
    """A channel in words."""
    level = "" if channel.level is None else f" at level {channel.level}"
    return channel.variable.name + level
