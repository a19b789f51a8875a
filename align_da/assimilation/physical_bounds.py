"""Analyses within what variables can be.

No method here knows that humidity is not negative and condenses: analyses are weighted means of
perturbations. What lies beyond a limit is moved after the analysis, in one of two ways:

    clip             x'_m = min(max(x_m, l), u_m)
    conserve_mean    x'_m = min(max(x_m + λ, l), u_m),   λ such that mean x' = mean x

Clipping moves the mean of an ensemble away from its limits, analysis after analysis: it adds water
where air is dry. The other is the nearest ensemble (least squares) within the limits that has the
same mean, found point by point; where the mean itself is beyond the limits, or there is one member
only, both are the same.

Sources: clipping and what it costs, Janjić et al. 2014, Mon. Wea. Rev. 142, 755-773 (conservation
of mass and preservation of positivity with ensemble-type Kalman filter algorithms), whose
constrained analysis is the nearest one within the limits of the same mass.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from align_da.atmosphere import State
from align_da.atmosphere.physical_limits import Limits, physical_limits
from align_da.atmosphere.pressure import has_pressure, mass_of_layers

PhysicalBounds = Literal["none", "clip", "conserve_mean"]
"""What becomes of values that a variable cannot have."""
_HALVINGS = 60  # of the interval that holds λ: to the last bit of float64

Points = Float[np.ndarray, "member point"]


@dataclass(frozen=True)
class Moved:
    """How much of an ensemble lay beyond its limits.

    Attributes:
        share: of the values of limited variables that were moved.
        water_added: precipitable water that moving them added, mean over members and area,
            kg m-2.
    """

    share: float = 0.0
    water_added: float = 0.0


def within_physical_bounds(state: State, bounds: PhysicalBounds) -> tuple[State, Moved]:
    """An ensemble with every value that a variable cannot have moved into its limits.

    The rest keeps its bits; an ensemble that lies within its limits is given back.

    Args:
        state: ensemble, values [member, lat, lon, channel], finite, SI units.
        bounds: how values are moved; "none" leaves them where they are.
    """
    if bounds == "none":
        return state, Moved()
    values, beyond, counted = np.array(state.values), 0, 0
    for limits in physical_limits(state):
        channels = state.layout.channels_of(limits.variable)
        outside = _outside(values[..., channels], limits)
        beyond, counted = beyond + int(outside.sum()), counted + outside.size
        values[..., channels] = _moved(values[..., channels], limits, outside, _MOVES[bounds])
    if not beyond:
        return state, Moved()
    moved = State(jnp.asarray(values), state.layout)
    return moved, Moved(beyond / counted, _water_added(state, moved))


def _outside(
    values: Float[np.ndarray, "member lat lon level"], limits: Limits
) -> Bool[np.ndarray, "member lat lon level"]:
    return np.asarray((values < limits.least) | (values > limits.greatest))


def _moved(
    values: Float[np.ndarray, "member lat lon level"],
    limits: Limits,
    outside: Bool[np.ndarray, "member lat lon level"],
    move: Callable[[Points, float, Points], Points],
) -> Float[np.ndarray, "member lat lon level"]:
    """The values with those of all members moved where one of them lies outside."""
    touched, found = outside.any(axis=0), values.copy()
    at_points = values[:, touched].astype(np.float64)
    greatest = limits.greatest[:, touched].astype(np.float64)
    found[:, touched] = move(at_points, limits.least, np.maximum(greatest, limits.least))
    return found


def _clipped(values: Points, least: float, greatest: Points) -> Points:
    return np.asarray(np.minimum(np.maximum(values, least), greatest))


def _with_mean_conserved(values: Points, least: float, greatest: Points) -> Points:
    """The nearest values within limits of the same mean over members, by bisection for λ.

    The mean of clipped values grows with λ. To change it by an excess c, no member needs to move
    by more than n c, and those beyond the opposite limit by as much as they are beyond it.
    """
    mean, members = values.mean(axis=0), values.shape[0]
    excess = members * (_clipped(values, least, greatest).mean(axis=0) - mean)
    above = np.maximum(values - greatest, 0).max(axis=0)
    below = np.maximum(least - values, 0).max(axis=0)
    low, high = np.minimum(-excess, 0) - above, np.maximum(-excess, 0) + below
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        too_much = _clipped(values + middle, least, greatest).mean(axis=0) > mean
        low, high = np.where(too_much, low, middle), np.where(too_much, middle, high)
    return _clipped(values + (low + high) / 2, least, greatest)


_MOVES: Mapping[PhysicalBounds, Callable[[Points, float, Points], Points]] = {
    "clip": _clipped,
    "conserve_mean": _with_mean_conserved,
}


def _water_added(before: State, after: State) -> float:
    """Precipitable water added; 0 where the states hold no humidity or no pressure."""
    layout = before.layout
    if "specific_humidity" not in layout.variables or not has_pressure(layout):
        return 0.0
    added = np.subtract(after["specific_humidity"], before["specific_humidity"], dtype=np.float64)
    column = (added * mass_of_layers(before)).sum(axis=-1).mean(axis=0)
    return float((column * layout.grid.area_weights).sum())
