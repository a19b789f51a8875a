"""The win rate of a candidate against the others of its group.

With e[n, m] the area-weighted RMSE of candidate n in channel m and s[m] its mean over the group,

    r[n] = mean over m and j ≠ n of sigmoid((e[j, m] − e[n, m]) / (w s[m])),

the Bradley-Terry calibration of CaPO (Lee et al. 2025, arXiv:2502.02588) a channel at a time, as
in Align-DA (arXiv:2505.22008). There the differences stay in SI units, so that geopotential
saturates the sigmoid and humidity never moves it; here they are relative to the group, so that
every channel has the same say in whatever unit, and the group needs no statistics from outside.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.atmosphere import State
from align_da.errors import BadStateError

DECISIVE_DIFFERENCE = 0.1
"""w: a candidate whose RMSE is better by 10 % of the group's wins with sigmoid(1) = 0.73."""

_FAILED = 10.0
"""Error, relative to the group, of a candidate that is not finite: it loses every comparison."""


@jax.jit
def channel_rmse(states: State, truth: State) -> Float[Array, "*batch channel"]:
    """Area-weighted root mean square error of each state in each channel, SI units."""
    weights = jnp.asarray(states.layout.grid.area_weights, states.values.dtype)
    squared = jnp.square(states.values - truth.values)
    return jnp.sqrt(jnp.einsum("...yxc,yx->...c", squared, weights))


@jax.jit
def relative_to_group(
    errors: Float[Array, "candidate channel"],
) -> Float[Array, "candidate channel"]:
    """Errors as multiples of the group's mean in the channel, dimensionless.

    A channel without error in the whole group is 0; an error that is not finite becomes large.
    """
    finite = jnp.isfinite(errors)
    count = jnp.maximum(finite.sum(axis=0), 1)
    mean = jnp.where(finite, errors, 0.0).sum(axis=0) / count
    safe = jnp.where(mean > 0, mean, 1.0)
    return jnp.where(finite, jnp.where(finite, errors, 0.0) / safe, _FAILED)


@jax.jit
def win_rate(relative_errors: Float[Array, "candidate channel"]) -> Float[Array, " candidate"]:
    """The win rate r above, dimensionless, within (0, 1); the mean over the group is 1/2.

    Args:
        relative_errors: e / s above.
    """
    advantage = relative_errors[None, :, :] - relative_errors[:, None, :]
    wins = jax.nn.sigmoid(advantage / DECISIVE_DIFFERENCE).mean(axis=-1)
    candidates = relative_errors.shape[0]
    return (wins.sum(axis=1) - 0.5) / (candidates - 1)


def rmse_win_rate(states: State, truth: State) -> Float[Array, " candidate"]:
    """Win rate by RMSE against the truth, dimensionless, within (0, 1).

    Args:
        states: values [candidate, lat, lon, channel]; one that is not finite loses.
        truth: values [lat, lon, channel].

    Raises:
        BadStateError: no candidate is finite (outside of JAX transforms only).
    """
    errors = channel_rmse(states, truth)
    if not isinstance(errors, jax.core.Tracer) and not jnp.isfinite(errors).all(axis=1).any():
        message = (
            f"expected a finite candidate, got none of {errors.shape[0]}: lower the lead time"
        )
        raise BadStateError(message)
    rates: Float[Array, " candidate"] = win_rate(relative_to_group(errors))
    return rates


def shares_beaten(rewards: Float[np.ndarray, "*batch candidate"]) -> Float[np.ndarray, "..."]:
    """The share of the other candidates of a group that each is better than; equals count half.

    Rewards of any unit become comparable, within (0, 1) with a mean of 1/2: of a reward nothing
    but the order within a group is sure.

    Args:
        rewards: of groups of two candidates at least, higher is better.
    """
    one, other = rewards[..., :, None], rewards[..., None, :]
    wins = (one > other).sum(axis=-1) + 0.5 * (one == other).sum(axis=-1) - 0.5
    return np.asarray(wins / (rewards.shape[-1] - 1))
