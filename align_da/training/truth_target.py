"""The truth as the target of a correction of analyses, at every point of the grid.

The loss is the squared error that is left, in units of the error that there was; where the spread
is corrected too, the CRPS of a Gaussian of the corrected mean and spread, which has its minimum
where both are right.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.training.analysis_correction import Judgement, Scores
from align_da.training.gaussian_crps import gaussian_crps

_SMALLEST = 1e-6  # of a standard deviation that divides


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TruthTarget:
    """Errors of cycles whose truth is known, in standard deviations of the states.

    Attributes:
        error: truth − mean before the correction.
        spread: of the members about the mean before the correction.
    """

    error: Float[Array | np.ndarray, "case lat lon channel"]
    spread: Float[Array | np.ndarray, "case lat lon channel"]

    def typical(self, channels: int) -> Float[np.ndarray, " channel"]:
        """Root mean square of the errors, by channel of the states."""
        error = np.asarray(self.error)
        found: Float[np.ndarray, " channel"] = np.sqrt(
            np.square(error).mean(axis=(0, 1, 2), dtype=np.float64)
        )
        return found

    def over(self, unit: Float[Array, " channel"]) -> "TruthTarget":
        """The same in units of these standard deviations."""
        return TruthTarget(jnp.asarray(self.error) / unit, jnp.asarray(self.spread) / unit)


def judged_by_truth(
    weights: Float[Array, "lat lon 1"], variables: Mapping[str, slice] = MappingProxyType({})
) -> Judgement:
    """The loss of increments where the truth is known, and the share of the squared error left.

    Args:
        weights: of the points, of mean one.
        variables: channels of those whose share that is left is told too.
    """
    mean = partial(_weighted_mean, weights=weights)

    def judged(
        target: TruthTarget,
        increment: Float[Array, "case lat lon channel"],
        factor: Float[Array, "case lat lon channel"] | None,
    ) -> Scores:
        error = jnp.asarray(target.error)
        left, before = error - increment, error**2
        square = mean(left**2)
        told = {"unexplained": square / mean(before)}
        for name, of in variables.items():
            told[f"unexplained_{name}"] = mean(left[..., of] ** 2) / mean(before[..., of])
        if factor is None:
            return square, told
        spread = jnp.maximum(target.spread * factor, _SMALLEST)
        return mean(gaussian_crps(left, spread)), told

    return judged


def _weighted_mean(
    values: Float[Array, "case lat lon channel"], weights: Float[Array, "lat lon 1"]
) -> Float[Array, ""]:
    return jnp.mean(values * weights)
