"""Scaling between latents and what is diffused.

    E(truth) − E(background) = P^½ s,    s = C^½ z

P is the covariance between the latent channels of one point. It depends on the lead time and on
the latitude (errors of the tropics and of the storm tracks differ), so that one network serves
every lead time. The network sees scaled increments s, whose channels at a point are uncorrelated
and of unit variance; samplers and guidance see z, which is white under the prior without a
network (see `correlation`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from align_da.errors import InputError
from align_da.prior.increment_correlation import (
    CorrelationRank,
    estimate_correlation,
)
from align_da.prior.matrix_root import root_and_inverse

_SMALLEST_STD = 1e-6  # a latent channel that never varies would otherwise divide zero by zero
_SMALLEST_SHARE = 1e-6  # of the largest variance: what is smaller is rounding
_CHUNK = 64  # cases at once; their number changes bits


@runtime_checkable
class Correlation(Protocol):
    """C of scaled increments, by its root: `IncrementCorrelation`, or B itself."""

    def colour(
        self, white: Float[Array, "lat lon latent"], share_of_leads: Float[Array, " lead"]
    ) -> Float[Array, "lat lon latent"]:
        """C^½ of a white field at a lead time."""
        ...

    def whitener(
        self, share_of_leads: Float[Array, " lead"]
    ) -> Callable[[Float[Array, "lat lon latent"]], Float[Array, "lat lon latent"]]:
        """The inverse of `colour` at a lead time, which a network needs."""
        ...


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LatentScaling:
    """Statistics of latents and of latent increments.

    Invariants:
        1. `lead_hours` increases strictly.
        2. Roots are invertible, standard deviations positive.

    Attributes:
        lead_hours: lead times with statistics, hours, [lead].
        increment_root: P^½, latent units, [lead, lat, latent, latent]; times the inverse root of
            the covariance that `correlation` has at a point, so that both together give P.
        state_mean: mean of the latents, [latent].
        state_std: standard deviation of the latents, [latent].
        correlation: C of scaled increments.
    """

    lead_hours: Float[Array, " lead"]
    increment_root: Float[Array, "lead lat latent latent"]
    state_mean: Float[Array, " latent"]
    state_std: Float[Array, " latent"]
    correlation: Correlation

    def share_of_leads(self, lead_hours: Float[Array, ""] | float) -> Float[Array, " lead"]:
        """Weights, sum 1, that interpolate in lead time; constant outside the range."""
        return share_of_leads(self.lead_hours, lead_hours)

    def root_at(self, lead_hours: Float[Array, ""] | float) -> Float[Array, "lat latent latent"]:
        """P^½, linear in lead time, constant outside the range."""
        return jnp.tensordot(self.share_of_leads(lead_hours), self.increment_root, axes=1)

    def colour(
        self, z: Float[Array, "lat lon latent"], lead_hours: Float[Array, ""] | float
    ) -> Float[Array, "lat lon latent"]:
        """The scaled increment s = C^½ z."""
        return self.correlation.colour(z, self.share_of_leads(lead_hours))

    def whitener(
        self, lead_hours: Float[Array, ""] | float
    ) -> Callable[[Float[Array, "lat lon latent"]], Float[Array, "lat lon latent"]]:
        """The inverse of `colour` at one lead time, as a function."""
        return self.correlation.whitener(self.share_of_leads(lead_hours))

    def scale(
        self,
        increment: Float[Array, "*batch lat lon latent"],
        lead_hours: Float[Array, ""] | float,
    ) -> Float[Array, "*batch lat lon latent"]:
        """The scaled increment s of a latent increment whose background is `lead_hours` old."""
        inverse = jnp.linalg.inv(self.root_at(lead_hours))
        return jnp.einsum("ykl,...yxl->...yxk", inverse, increment)

    def unscale(
        self, scaled: Float[Array, "*batch lat lon latent"], lead_hours: Float[Array, ""] | float
    ) -> Float[Array, "*batch lat lon latent"]:
        """The latent increment of s: the inverse of `scale`."""
        return jnp.einsum("ykl,...yxl->...yxk", self.root_at(lead_hours), scaled)

    def standardise(
        self, latent: Float[Array, "*batch lat lon latent"]
    ) -> Float[Array, "*batch lat lon latent"]:
        """Latents with zero mean and unit standard deviation, what `Condition` holds."""
        return (latent - self.state_mean) / self.state_std


def share_of_leads(
    known: Float[Array, " lead"], lead_hours: Float[Array, ""] | float
) -> Float[Array, " lead"]:
    """Weights of the lead times `known`, sum 1, that interpolate; constant outside their range."""
    places = jnp.arange(known.shape[0], dtype=jnp.float32)
    place = jnp.interp(jnp.asarray(lead_hours), known, places)
    return jnp.maximum(1 - jnp.abs(place - places), 0.0)


LatentsByLead = tuple[
    Float[Array | np.ndarray, "_ lat lon latent"],
    Float[Array | np.ndarray, "_ lat lon latent"],
]
"""Latents of truths and of the backgrounds valid at the same times."""


def estimate_scaling(pairs: Mapping[int, LatentsByLead], rank: CorrelationRank) -> LatentScaling:
    """Statistics of latent pairs, mean and variance summed in float64.

    Args:
        pairs: by lead time in hours, the latents of truths and backgrounds.
        rank: how much of the correlation is kept.

    Raises:
        InputError: no pairs, or truths and backgrounds of different shapes.
    """
    if not pairs:
        message = "expected latent pairs for one lead time at least, got none"
        raise InputError(message)
    leads = sorted(pairs)
    roots = {lead: _roots(_point_covariance(lead, pairs[lead])) for lead in leads}
    mean, std = _mean_and_std([pairs[lead][1] for lead in leads])
    scaled = {
        lead: _scaled(pairs[lead], inverse.astype(np.float32))
        for lead, (_, inverse) in roots.items()
    }
    _, rows, columns, channels = pairs[leads[0]][0].shape
    correlation = estimate_correlation(scaled, (rows, columns, channels), rank)
    modelled = [
        np.asarray(correlation.point_covariance(columns, share), np.float64)
        for share in jnp.eye(len(leads))
    ]
    matched = [
        root @ _roots(of_model)[1]
        for (root, _), of_model in zip(roots.values(), modelled, strict=True)
    ]
    return LatentScaling(
        lead_hours=jnp.asarray(leads, jnp.float32),
        increment_root=jnp.asarray(np.stack(matched), jnp.float32),
        state_mean=jnp.asarray(mean, jnp.float32),
        state_std=jnp.asarray(std, jnp.float32),
        correlation=correlation,
    )


def _blocks(pair: LatentsByLead) -> Iterator[LatentsByLead]:
    """Some cases at a time: the latents may lie on a disk."""
    truth, background = pair
    for start in range(0, truth.shape[0], _CHUNK):
        part = slice(start, start + _CHUNK)
        yield truth[part], background[part]


def _scaled(
    pair: LatentsByLead, inverse: Float[np.ndarray, "lat latent latent"]
) -> Iterator[Float[np.ndarray, "_ lat lon latent"]]:
    """Truth − background in single precision, scaled, some cases at a time."""
    for truth, background in _blocks(pair):
        increment = np.asarray(truth, np.float32) - np.asarray(background, np.float32)
        yield np.einsum("ykl,nyxl->nyxk", inverse, increment)


def _point_covariance(lead: int, pair: LatentsByLead) -> Float[np.ndarray, "lat latent latent"]:
    """P about zero at every latitude, from all cases and longitudes."""
    truth, background = pair
    if truth.shape != background.shape or truth.shape[0] == 0:
        message = (
            f"lead {lead} h: expected as many truths as backgrounds of one shape (at least one), "
            f"got {truth.shape} and {background.shape}"
        )
        raise InputError(message)
    total = np.zeros((truth.shape[1], truth.shape[3], truth.shape[3]))
    for of_truth, of_background in _blocks(pair):
        increment = np.asarray(of_truth, np.float64) - np.asarray(of_background, np.float64)
        by_row = np.moveaxis(increment, 1, 0).reshape(truth.shape[1], -1, truth.shape[3])
        total += np.swapaxes(by_row, 1, 2) @ by_row
    return total / (truth.shape[0] * truth.shape[2])


def _roots(
    covariance: Float[np.ndarray, "lat latent latent"],
) -> tuple[Float[np.ndarray, "lat latent latent"], Float[np.ndarray, "lat latent latent"]]:
    """The symmetric square root and its inverse, variances held above rounding."""
    largest = np.linalg.eigvalsh(covariance)[:, -1:]
    return root_and_inverse(covariance, np.maximum(_SMALLEST_SHARE * largest, _SMALLEST_STD**2))


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
