"""Withheld observations as the target of a correction of analyses: no truth is needed.

What an analysis has not seen judges it. With d the departure of a withheld observation from the
mean before the correction δ, and s the spread there,

    −log p(y | x_a + δ) = ½ (d − H δ)² / R + const.,        y ~ N(H (x_a + δ), R + f² s²),

where f is the factor on the spread. The loss is the mean of (d − H δ)² / R; where the spread is
corrected too, the CRPS of that Gaussian in units of √R. Errors of observations that are what R
says add one to the square and move no minimum: they make it harder to find, not another.

H is linear: eight corners an observation, see `align_da.observations.interpolation`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from align_da.assimilation.contract import LearnedIncrement
from align_da.errors import InputError
from align_da.observations.batch import ObservationBatch
from align_da.observations.interpolation import InterpolationOperator
from align_da.training.analysis_correction import Judgement, Scores
from align_da.training.gaussian_crps import gaussian_crps


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class WithheldTarget:
    """Departures of withheld observations, in standard deviations of their errors.

    Invariants:
        1. Where an observation is not counted all is zero.

    Attributes:
        departure: y − H of the mean before the correction.
        spread: of H of the members before the correction.
        index: place of every corner in the flattened [lat * lon * channel] state.
        weight: of every corner, for increments in standard deviations of the states.
        counted: whether it is a withheld observation that has passed quality control; the others
            fill the arrays.
    """

    departure: Float[Array | np.ndarray, "case observation"]
    spread: Float[Array | np.ndarray, "case observation"]
    index: Int[Array | np.ndarray, "case observation corner"]
    weight: Float[Array | np.ndarray, "case observation corner"]
    counted: Bool[Array | np.ndarray, "case observation"]

    def typical(self, channels: int) -> Float[np.ndarray, " channel"]:
        """Root mean square of the spread by channel, in standard deviations of the states.

        Errors themselves are not known. A channel without an observation has the mean of all.

        Raises:
            InputError: no observation was withheld in any cycle.
        """
        counted, weight = np.asarray(self.counted), np.abs(np.asarray(self.weight))
        if not counted.any():
            message = (
                f"expected withheld observations to learn from, got none in {len(counted)} "
                "cycles: raise correction.withheld, or take denser observations"
            )
            raise InputError(message)
        channel = np.asarray(self.channel(channels))
        square = np.square(np.asarray(self.spread)[counted] / weight.sum(axis=-1)[counted])
        count = np.bincount(channel[counted], minlength=channels)
        total = np.bincount(channel[counted], square, channels)
        return np.sqrt(np.where(count > 0, total / np.maximum(count, 1), square.mean()))

    def channel(self, channels: int) -> Int[Array, "case observation"]:
        """The channel that every observation is mostly of, where states have so many."""
        heaviest = jnp.abs(jnp.asarray(self.weight)).argmax(axis=-1)[..., None]
        found: Int[Array, "case observation 1"] = jnp.take_along_axis(
            jnp.asarray(self.index), heaviest, axis=-1
        )
        return found[..., 0] % channels

    def over(self, unit: Float[Array, " channel"]) -> "WithheldTarget":
        """The same for increments in units of these standard deviations."""
        index = jnp.asarray(self.index)
        return WithheldTarget(
            jnp.asarray(self.departure),
            jnp.asarray(self.spread),
            index,
            self.weight * unit[index % unit.size],
            jnp.asarray(self.counted),
        )


def withheld_target(
    observations: ObservationBatch,
    withheld: Bool[Array, " observation"],
    learned: LearnedIncrement,
    operator: InterpolationOperator,
    std: Float[Array, " channel"],
) -> WithheldTarget:
    """The target of one cycle, a case.

    Args:
        observations: of the cycle, quality controlled.
        withheld: which of them the analysis has not seen and a correction may learn from.
        learned: what the correction of the cycle started from.
        operator: H, bound to the observations.
        std: of the states.
    """
    error = jnp.where(withheld, observations.error, 1.0)
    value = jnp.where(withheld, observations.value, learned.equivalent)
    corners = withheld[:, None]
    index = jnp.where(corners, operator.index, 0)
    weight = jnp.where(corners, operator.weight * std[index % std.size] / error[:, None], 0.0)
    spread = jnp.where(withheld, learned.equivalent_spread / error, 0.0)
    departure = (value - learned.equivalent) / error
    return WithheldTarget(*(a[None] for a in (departure, spread, index, weight, withheld)))


def judged_by_withheld(variables: Mapping[str, slice] = MappingProxyType({})) -> Judgement:
    """The loss of increments by what was withheld, and the share left of what is not R.

    That share is (Σ (d − H δ)² / R − n) / (Σ d² / R − n): of the squared error at the withheld
    observations if R is right; NaN where departures are no larger than R says.

    Args:
        variables: channels of those whose share that is left is told too.
    """

    def judged(
        target: WithheldTarget,
        increment: Float[Array, "case lat lon channel"],
        factor: Float[Array, "case lat lon channel"] | None,
    ) -> Scores:
        counted = jnp.asarray(target.counted)
        left = jnp.asarray(target.departure) - _equivalent(target, increment)
        number = jnp.maximum(counted.sum(), 1)
        told = {"unexplained": _unexplained(target, left, counted)}
        if variables:
            channel = target.channel(increment.shape[-1])
            for name, of in variables.items():
                own = counted & (channel >= of.start) & (channel < of.stop)
                told[f"unexplained_{name}"] = _unexplained(target, left, own)
        if factor is None:
            return jnp.sum(left**2) / number, told
        spread = target.spread * _mean_of_corners(target, factor)
        crps = gaussian_crps(left, jnp.sqrt(1 + spread**2))
        return jnp.sum(jnp.where(counted, crps, 0.0)) / number, told

    return judged


def _unexplained(
    target: WithheldTarget,
    left: Float[Array, "case observation"],
    which: Bool[Array, "case observation"],
) -> Float[Array, ""]:
    """The share left of those observations, see above."""
    number = which.sum()
    before, after = (
        jnp.sum(jnp.where(which, departure, 0.0) ** 2) - number
        for departure in (target.departure, left)
    )
    return jnp.where(before > 0, after / jnp.where(before > 0, before, 1.0), jnp.nan)


def _equivalent(
    target: WithheldTarget, field: Float[Array, "case lat lon channel"]
) -> Float[Array, "case observation"]:
    """H of a field."""
    return (_corners(target, field) * target.weight).sum(axis=-1)


def _mean_of_corners(
    target: WithheldTarget, factor: Float[Array, "case lat lon channel"]
) -> Float[Array, "case observation"]:
    """The factor on the spread of H of members whose spread a field is multiplied by.

    It is exact where the factor is the same at all corners, or their errors are.
    """
    weight = jnp.abs(target.weight)
    whole = weight.sum(axis=-1)
    mean = (_corners(target, factor) * weight).sum(axis=-1)
    return mean / jnp.where(whole > 0, whole, 1.0)


def _corners(
    target: WithheldTarget, field: Float[Array, "case lat lon channel"]
) -> Float[Array, "case observation corner"]:
    flat = field.reshape(field.shape[0], 1, -1)
    found: Float[Array, "case observation corner"] = jnp.take_along_axis(
        flat, jnp.asarray(target.index), axis=-1, mode="clip"
    )
    return found
