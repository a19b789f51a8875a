"""Quality control: why an observation is not used.

Checks never delete and never overrule: an observation keeps the first flag that it got, and only
those that still count (pass or passive) are examined. Values that are not finite are replaced, so
that nothing computed later can become NaN because of an observation that is not used.

Flags are those of UFO (JCSDA/ufo, src/ufo/filters/QCflags.h).
"""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from align_da.atmosphere import Grid, Layout
from align_da.observations.batch import UNKNOWN_VARIABLE, Flag, ObservationBatch, Vertical
from align_da.observations.fill_values import FILL_VALUES, LARGEST_VALUE

_ROUNDING = 1e-5  # positions are float32
_ROUNDING_DEGREES = 1e-4


@partial(jax.jit, static_argnames=("layout", "window_seconds"))
def quality_controlled(
    batch: ObservationBatch, layout: Layout, window_seconds: float
) -> ObservationBatch:
    """Every check that needs no background, in the order missing, domain, bounds, duplicates.

    Args:
        batch: observations as they came.
        layout: layout of the state to be analysed.
        window_seconds: length of the cycle window centred on the valid time.
    """
    batch = check_missing(batch)
    batch = check_domain(batch, layout)
    batch = check_window(batch, window_seconds)
    batch = check_bounds(batch, layout)
    return check_duplicates(batch)


def check_missing(batch: ObservationBatch) -> ObservationBatch:
    """Flag missing where there is no value or no positive error; put 0 and 1 in their place."""
    value, error = batch.value, batch.error
    no_value = ~(jnp.abs(value) < LARGEST_VALUE)
    for fill in FILL_VALUES:
        no_value |= value == fill
    no_error = ~((error > 0) & (error < LARGEST_VALUE))
    batch = replace(
        batch, value=jnp.where(no_value, 0, value), error=jnp.where(no_error, 1, error)
    )
    return flagged(batch, no_value | no_error, Flag.MISSING)


def check_domain(batch: ObservationBatch, layout: Layout) -> ObservationBatch:
    """Flag domain where the operator would have to extrapolate, or the position makes no sense.

    A limited area ends with its outermost points.

    A position on the levels counts from the top level down to half a spacing below the lowest
    level (where the lowest level stands for its layer), on sigma levels at most to the ground.
    """
    top, bottom = _vertical_extent(layout)
    on_levels = jnp.asarray([_has_levels(name, layout) for name in layout.variables])
    needs_level = (batch.vertical == Vertical.LEVEL) & on_levels[_variable(batch, layout)]
    inside = (jnp.abs(batch.latitude) <= 90) & (batch.longitude >= -180)
    inside &= (
        batch.longitude <= 360
    )  # beyond is a fill value or a mistake, no other name of a place
    inside &= _within_area(batch, layout.grid)
    inside &= ~needs_level | ((batch.level >= top) & (batch.level <= bottom))
    inside &= (batch.variable >= 0) & (batch.variable < len(layout.variables))
    names = ("latitude", "longitude", "level")
    finite = {name: jnp.nan_to_num(getattr(batch, name), posinf=0, neginf=0) for name in names}
    return flagged(replace(batch, **finite), ~inside, Flag.DOMAIN)


def check_window(batch: ObservationBatch, window_seconds: float) -> ObservationBatch:
    """Flag domain outside the cycle window [-half, +half): each time is in exactly one window."""
    half = window_seconds / 2
    inside = (batch.time >= -half) & (batch.time < half)
    finite = replace(batch, time=jnp.nan_to_num(batch.time, posinf=0, neginf=0))
    return flagged(finite, ~inside, Flag.DOMAIN)


def check_bounds(batch: ObservationBatch, layout: Layout) -> ObservationBatch:
    """Flag bounds where the value is not plausible by the variable table."""
    channels = [layout.channels[layout.channels_of(name).start] for name in layout.variables]
    bounds = jnp.asarray([channel.variable.bounds for channel in channels])
    low, high = bounds[_variable(batch, layout)].T
    return flagged(batch, ~((batch.value >= low) & (batch.value <= high)), Flag.BOUNDS)


def check_duplicates(batch: ObservationBatch) -> ObservationBatch:
    """Flag all but one of the observations of one variable at one place and time.

    The one kept has the smallest error, then the smallest value, then the smallest station number,
    so that the order in which the observations come does not matter.
    """
    on_levels = batch.vertical == Vertical.LEVEL
    place = (
        counts(batch),
        batch.variable,
        batch.vertical,
        jnp.mod(batch.longitude, 360),
        batch.latitude,
        jnp.where(on_levels, batch.level, 0),
        batch.time,
    )
    # lexsort takes the most significant key last.
    order = jnp.lexsort((batch.station, batch.value, batch.error, batch.flag, *place))
    again = jnp.ones(order.size, bool).at[:1].set(False)
    for key in place:
        ordered = key[order]
        again &= ordered == jnp.roll(ordered, 1)
    return flagged(batch, jnp.zeros_like(again).at[order].set(again), Flag.DUPLICATE)


def check_background(
    batch: ObservationBatch,
    equivalent: Float[Array, " observation"],
    variance: Float[Array, " observation"],
    threshold: float,
) -> ObservationBatch:
    """Flag background where |y − H(x_b)| > k sqrt(R + H B H^T): a gross error.

    Args:
        batch: observations.
        equivalent: H(x_b), SI units.
        variance: H B H^T, the background error variance in observation space, units squared.
        threshold: k, dimensionless.

    Returns:
        The batch; an equivalent or variance that is not finite is flagged operator_failed.
    """
    failed = ~(jnp.isfinite(equivalent) & jnp.isfinite(variance))
    batch = flagged(batch, failed, Flag.OPERATOR_FAILED)
    expected = jnp.sqrt(batch.error**2 + variance)
    gross = jnp.abs(batch.value - equivalent) > threshold * expected
    return flagged(batch, gross, Flag.BACKGROUND)


def counts(batch: ObservationBatch) -> Bool[Array, " observation"]:
    """Whether an observation has passed every check so far.

    A passive one of a variable that the state does not hold cannot be checked and stays passive.
    """
    passive = (batch.flag == Flag.PASSIVE) & (batch.variable != UNKNOWN_VARIABLE)
    return (batch.flag == Flag.PASS) | passive


def flagged(
    batch: ObservationBatch, where: Bool[Array, " observation"], flag: Flag
) -> ObservationBatch:
    """`batch` with `flag` on those that counted until now."""
    return replace(batch, flag=jnp.where(where & counts(batch), int(flag), batch.flag))


def _variable(batch: ObservationBatch, layout: Layout) -> Array:
    """Index of the variable, within the layout whatever the observation says."""
    return jnp.clip(batch.variable, 0, len(layout.variables) - 1)


def _within_area(batch: ObservationBatch, grid: Grid) -> Bool[Array, " observation"] | bool:
    """Whether the columns around a position are known."""
    if grid.periodic:
        return True
    one_row = len(grid.latitude) == 1  # latitudes are not looked at
    north, east = batch.latitude - grid.latitude[0], grid.degrees_east(batch.longitude)
    high, wide = (axis[-1] - axis[0] for axis in (grid.latitude, grid.longitude))
    return (one_row | _within(north, high)) & _within(east, wide)


def _within(degrees: Float[Array, " observation"], extent: float) -> Bool[Array, " observation"]:
    """Whether a position lies on an axis of this extent, from its beginning."""
    return (degrees >= -_ROUNDING_DEGREES) & (degrees <= extent + _ROUNDING_DEGREES)


def _has_levels(name: str, layout: Layout) -> bool:
    return layout.channels[layout.channels_of(name).start].level is not None


def _vertical_extent(layout: Layout) -> tuple[float, float]:
    """Highest and lowest admissible position on the vertical coordinate."""
    levels = np.asarray(layout.grid.vertical.levels)
    half_layer = (levels[-1] - levels[-2]) / 2 if levels.size > 1 else 0.0
    bottom = levels[-1] + half_layer
    if layout.grid.vertical.kind == "sigma":
        bottom = min(bottom, 1.0)
    return float(levels[0] * (1 - _ROUNDING)), float(bottom * (1 + _ROUNDING))
