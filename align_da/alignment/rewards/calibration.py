"""Calibration: what a candidate adds to the fair CRPS of its group.

At each point and channel, with x the N candidates and y the truth,

    r_i = −|x_i − y| + 1/(N − 1) Σ_{j ≠ i} |x_i − x_j|,

the first variation of the negative fair CRPS (Ferro 2014, https://doi.org/10.1002/qj.2270) with
respect to the share of candidate i. RMSE rewards collapse onto the mean of the group; here the
group's total is greatest when the candidates are drawn from the true conditional distribution.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.alignment.contract import AlignmentCase
from align_da.atmosphere import State


@dataclass(frozen=True)
class CalibrationReward:
    """r above, relative to the mean error of the group and averaged over area and channels.

    Dimensionless, within (−N, 1]; near 0 for every member of a reliable ensemble. The truth
    itself has the best score of any group.
    """

    name: str = "calibration"
    differentiable: bool = True

    def __call__(self, candidates: State, case: AlignmentCase) -> Float[Array, " candidate"]:
        """Score a group, see `Reward`."""
        error, distance = error_and_distance(candidates, case.truth)
        mean = error.mean(axis=0)
        return jnp.mean((distance - error) / jnp.where(mean > 0, mean, 1.0), axis=-1)


def fair_crps(candidates: State, truth: State) -> Float[Array, " channel"]:
    """Area mean of the fair continuous ranked probability score, SI units, lower is better."""
    error, distance = error_and_distance(candidates, truth)
    return error.mean(axis=0) - 0.5 * distance.mean(axis=0)


def error_and_distance(
    candidates: State, truth: State
) -> tuple[Float[Array, "candidate channel"], Float[Array, "candidate channel"]]:
    """Area means of |x_i − y| and of the mean |x_i − x_j| over j ≠ i, SI units."""
    weights = jnp.asarray(candidates.layout.grid.area_weights, candidates.values.dtype)
    error, distance = _error_and_distance(candidates.values, truth.values, weights)
    return error, distance


@jax.jit
def _error_and_distance(
    values: Float[Array, "candidate lat lon channel"],
    truth: Float[Array, "lat lon channel"],
    weights: Float[Array, "lat lon"],
) -> tuple[Float[Array, "candidate channel"], Float[Array, "candidate channel"]]:
    """One candidate at a time, so that the memory is that of the group, not of its pairs."""

    def of_one(
        value: Float[Array, "lat lon channel"],
    ) -> tuple[Float[Array, " channel"], Float[Array, " channel"]]:
        error = jnp.einsum("yxc,yx->c", jnp.abs(value - truth), weights)
        total = jnp.einsum("nyxc,yx->c", jnp.abs(value - values), weights)
        return error, total / (values.shape[0] - 1)

    error, distance = jax.lax.map(of_one, values)
    return error, distance
