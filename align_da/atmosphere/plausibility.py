"""Whether computed states are finite and within the bounds of the variable table."""

import numpy as np
from jaxtyping import Float

from align_da.atmosphere.state import Channel, Layout
from align_da.errors import BadStateError


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
    low = np.array([channel.variable.bounds[0] for channel in layout.channels], values.dtype)
    high = np.array([channel.variable.bounds[1] for channel in layout.channels], values.dtype)
    good = (values >= low) & (values <= high)  # a NaN fails both comparisons
    if good.all():
        return
    member, lat, lon, channel = (int(i) for i in np.argwhere(~good)[0])
    offender = layout.channels[channel]
    place = f"latitude {layout.grid.latitude[lat]:.2f}, longitude {layout.grid.longitude[lon]:.2f}"
    message = (
        f"{what}: member {member} has {_named(offender)} = {values[member, lat, lon, channel]} "
        f"{offender.variable.units} at {place}, expected a finite value within "
        f"{offender.variable.bounds} ({np.count_nonzero(~good)} such values in all)"
    )
    raise BadStateError(message)


def _named(channel: Channel) -> str:
    """A channel in words."""
    level = "" if channel.level is None else f" at level {channel.level}"
    return channel.variable.name + level
