"""Scaling between latents and the unit-variance quantities that are diffused.

The score model draws z = (E(truth) − E(background)) / s. The standard deviation s depends on the
lead time, on the latitude (errors of the tropics and of the storm tracks differ) and on the latent
channel, so that one network serves every lead time.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.errors import InputError

_SMALLEST_STD = 1e-6  # a latent channel that never varies would otherwise divide zero by zero
_CHUNK = 64  # cases summed at once in float64


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LatentScaling:
    """Statistics of latents and of latent increments.

    Invariants:
        1. `lead_hours` increases strictly.
        2. Standard deviations are positive.

    Attributes:
        lead_hours: lead times with statistics, hours, [lead].
        increment_std: root-mean-square increment, latent units, [lead, lat, latent].
        state_mean: mean of the latents, [latent].
        state_std: standard deviation of the latents, [latent].
    """

    lead_hours: Float[Array, " lead"]
    increment_std: Float[Array, "lead lat latent"]
    state_mean: Float[Array, " latent"]
    state_std: Float[Array, " latent"]

    def std_at(self, lead_hours: Float[Array, ""] | float) -> Float[Array, "lat 1 latent"]:
        """Standard deviation of increments, linear in lead time, constant outside the range."""
        last = self.lead_hours.shape[0] - 1
        place = jnp.interp(jnp.asarray(lead_hours), self.lead_hours, jnp.arange(last + 1.0))
        lower = jnp.floor(place).astype(int)
        upper = jnp.minimum(lower + 1, last)
        share = place - lower
        std = (1 - share) * self.increment_std[lower] + share * self.increment_std[upper]
        return std[:, None, :]

    def scale(
        self,
        increment: Float[Array, "*batch lat lon latent"],
        lead_hours: Float[Array, ""] | float,
    ) -> Float[Array, "*batch lat lon latent"]:
        """The unit-variance z of a latent increment whose background is `lead_hours` old."""
        return increment / self.std_at(lead_hours)

    def unscale(
        self, z: Float[Array, "*batch lat lon latent"], lead_hours: Float[Array, ""] | float
    ) -> Float[Array, "*batch lat lon latent"]:
        """The latent increment of z: the inverse of `scale`."""
        return z * self.std_at(lead_hours)

    def standardise(
        self, latent: Float[Array, "*batch lat lon latent"]
    ) -> Float[Array, "*batch lat lon latent"]:
        """Latents with zero mean and unit standard deviation, what `Condition` holds."""
        return (latent - self.state_mean) / self.state_std


LatentPairs = tuple[
    Float[Array | np.ndarray, "_ lat lon latent"],
    Float[Array | np.ndarray, "_ lat lon latent"],
]
"""Latents of truths and of the backgrounds valid at the same times."""


def estimate_scaling(pairs: Mapping[int, LatentPairs]) -> LatentScaling:
    """Statistics of latent pairs, summed in float64.

    Args:
        pairs: by lead time in hours, the latents of truths and backgrounds.

    Raises:
        InputError: no pairs, or truths and backgrounds of different shapes.
    """
    if not pairs:
        message = "expected latent pairs for one lead time at least, got none"
        raise InputError(message)
    leads = sorted(pairs)
    increment_std = [_root_mean_square_increment(lead, pairs[lead]) for lead in leads]
    mean, std = _mean_and_std([pairs[lead][1] for lead in leads])
    return LatentScaling(
        lead_hours=jnp.asarray(leads, jnp.float32),
        increment_std=jnp.asarray(np.stack(increment_std), jnp.float32),
        state_mean=jnp.asarray(mean, jnp.float32),
        state_std=jnp.asarray(std, jnp.float32),
    )


def _root_mean_square_increment(lead: int, pair: LatentPairs) -> Float[np.ndarray, "lat latent"]:
    """Root mean square over cases and longitudes of truth − background."""
    truth, background = pair
    if truth.shape != background.shape or truth.shape[0] == 0:
        message = (
            f"lead {lead} h: expected as many truths as backgrounds of one shape (at least one), "
            f"got {truth.shape} and {background.shape}"
        )
        raise InputError(message)
    total = np.zeros((truth.shape[1], truth.shape[3]))
    for start in range(0, truth.shape[0], _CHUNK):
        part = slice(start, start + _CHUNK)
        increment = np.asarray(truth[part], np.float64) - np.asarray(background[part], np.float64)
        total += np.square(increment).sum(axis=(0, 2))
    mean_square = total / (truth.shape[0] * truth.shape[2])
    return np.asarray(np.maximum(np.sqrt(mean_square), _SMALLEST_STD))


def _mean_and_std(
    latents: list[Float[Array | np.ndarray, "_ lat lon latent"]],
) -> tuple[Float[np.ndarray, " latent"], Float[np.ndarray, " latent"]]:
    """Mean and standard deviation of every latent channel over all cases and points.

    Sums are taken about a first guess of the mean, so that squares do not cancel.
    """
    guess = np.asarray(latents[0][0], np.float64).mean(axis=(0, 1))
    count, total, squares = 0, np.zeros_like(guess), np.zeros_like(guess)
    for values in latents:
        for start in range(0, values.shape[0], _CHUNK):
            part = np.asarray(values[start : start + _CHUNK], np.float64) - guess
            count += part[..., 0].size
            total += part.sum(axis=(0, 1, 2))
            squares += np.square(part).sum(axis=(0, 1, 2))
    shift = total / count
    variance = np.maximum(squares / count - np.square(shift), 0.0)
    return guess + shift, np.maximum(np.sqrt(variance), _SMALLEST_STD)
