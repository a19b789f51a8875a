"""Correlation of background errors in latent space: the noise that the score model removes.

Scaled increments s have unit variance and are correlated in space and between channels. They are
diffused with noise of the same correlation C (`colour` makes it of white noise): s = C^½ z with z
white is the control variable transform of variational assimilation (Derber and Bouttier 1999), and
a network that predicts nothing is then the prior N(0, C) of 3D-Var, not one without structure.

C is homogeneous in longitude and free in latitude and channel: for each zonal wavenumber m it is
the covariance of the Fourier coefficients (orthonormal transform) of all rows and channels,
localised by a Gaspari-Cohn taper of the distance between points. Of the first wavenumbers the
leading eigenvectors u_k are kept with their variances λ_k; the rest is white with variance ε_m:

    C_m = ε_m I + Σ_k (λ_k − ε_m) u_k u_kᴴ.

All lead times share the eigenvectors and have variances of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from align_da.atmosphere.localisation import gaspari_cohn, great_circle_distance

_SMALLEST_VARIANCE = 1e-4  # of a scaled increment: keeps the square root invertible
_CHUNK = 64  # cases in memory at once

ByWavenumber = Complex[np.ndarray, "wavenumber coefficient coefficient"]


@dataclass(frozen=True)
class CorrelationRank:
    """How much of the correlation is kept.

    Attributes:
        waves: wavenumbers with eigenvectors, from 0 on; 0 is no correlation, the white noise of
            Align-DA.
        modes: eigenvectors of each.
        radius: half width of the localisation, metres.
    """

    waves: int
    modes: int
    radius: float


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class IncrementCorrelation:
    """The square root of C and its inverse at every lead time with statistics.

    Invariants:
        1. `modes` of one wavenumber are orthonormal; those of m = 0 and of the shortest wave real.
        2. Variances are positive.

    Attributes:
        modes: eigenvectors u_k, real and imaginary part, coefficients ordered (lat, latent),
            [wave, mode, coefficient, 2].
        mode_variance: λ_k, [lead, wave, mode].
        other_variance: ε_m of all wavenumbers, [lead, wavenumber].
    """

    modes: Float[Array, "wave mode coefficient 2"]
    mode_variance: Float[Array, "lead wave mode"]
    other_variance: Float[Array, "lead wavenumber"]

    def colour(
        self, white: Float[Array, "lat lon latent"], share_of_leads: Float[Array, " lead"]
    ) -> Float[Array, "lat lon latent"]:
        """C^½ of a field; white noise of unit variance gets the correlation C.

        Args:
            white: dimensionless.
            share_of_leads: weights of the lead times whose variances are averaged, sum 1.
        """
        return self._apply(white, share_of_leads, power=0.5)

    def whiten(
        self, scaled: Float[Array, "lat lon latent"], share_of_leads: Float[Array, " lead"]
    ) -> Float[Array, "lat lon latent"]:
        """C^-½ of a field: the inverse of `colour`."""
        return self._apply(scaled, share_of_leads, power=-0.5)

    def point_covariance(
        self, rows: int, columns: int, share_of_leads: Float[Array, " lead"]
    ) -> Float[Array, "lat latent latent"]:
        """Covariance between the channels of a point under C, by latitude; near the unit matrix.

        What the modes leave is white, so that it is not quite the one that C was estimated from.
        """
        other = share_of_leads @ self.other_variance
        # Every wave but the first and the shortest stands for two real ones.
        weight = jnp.full(other.shape, 2.0).at[jnp.array([0, -1])].set(1.0) / columns
        waves, modes, coefficients, _ = self.modes.shape
        extra = jnp.tensordot(share_of_leads, self.mode_variance, axes=1) - other[:waves, None]
        parts = self.modes.reshape(waves, modes, rows, coefficients // rows, 2)
        of_modes = jnp.einsum(
            "mk,mkyap,mkybp->yab", weight[:waves, None] * extra, parts, parts, optimize="optimal"
        )
        white: Float[Array, "latent latent"] = (weight @ other) * jnp.eye(parts.shape[3])
        return of_modes + white

    def _apply(
        self,
        field: Float[Array, "lat lon latent"],
        share_of_leads: Float[Array, " lead"],
        power: float,
    ) -> Float[Array, "lat lon latent"]:
        rows, columns, channels = field.shape
        spectrum = jnp.swapaxes(jnp.fft.rfft(field, axis=1, norm="ortho"), 0, 1)
        coefficients = spectrum.reshape(spectrum.shape[0], rows * channels)
        kept = self.modes.shape[0]
        other = (share_of_leads @ self.other_variance) ** power
        variance = jnp.tensordot(share_of_leads, self.mode_variance, axes=1)
        added = self._along_modes(coefficients[:kept], variance**power - other[:kept, None])
        changed = other[:, None] * coefficients
        changed = changed.at[:kept].add(added).reshape(spectrum.shape)
        result: Float[Array, "lat lon latent"]
        result = jnp.fft.irfft(jnp.swapaxes(changed, 0, 1), n=columns, axis=1, norm="ortho")
        return result

    def _along_modes(
        self, coefficients: Complex[Array, "wave coefficient"], factor: Float[Array, "wave mode"]
    ) -> Complex[Array, "wave coefficient"]:
        """Σ_k factor_k u_k (u_kᴴ c), in real arithmetic: its matrix products are the fast ones."""
        real, imaginary = self.modes[..., 0], self.modes[..., 1]

        def amplitude(part: Array, of: Array) -> Array:
            return factor * jnp.einsum("mkc,mc->mk", part, of)

        def field(part: Array, of: Array) -> Array:
            return jnp.einsum("mkc,mk->mc", part, of)

        c, d = jnp.real(coefficients), jnp.imag(coefficients)
        a = amplitude(real, c) + amplitude(imaginary, d)
        b = amplitude(real, d) - amplitude(imaginary, c)
        return jax.lax.complex(
            field(real, a) - field(imaginary, b), field(real, b) + field(imaginary, a)
        )


def no_correlation(shape: tuple[int, int, int], leads: int) -> IncrementCorrelation:
    """C = I: the white noise of Align-DA.

    Args:
        shape: (lat, lon, latent).
        leads: number of lead times.
    """
    rows, columns, channels = shape
    return IncrementCorrelation(
        jnp.zeros((0, 0, rows * channels, 2)),
        jnp.ones((leads, 0, 0)),
        jnp.ones((leads, columns // 2 + 1)),
    )


def estimate_correlation(
    increments: Mapping[int, Float[np.ndarray, "_ lat lon latent"]], rank: CorrelationRank
) -> IncrementCorrelation:
    """The correlation of scaled increments, all lead times counting alike for the eigenvectors.

    Args:
        increments: by lead time in hours, scaled to unit variance.
        rank: what to keep.
    """
    leads = sorted(increments)
    shape = increments[leads[0]].shape[1:]
    if rank.waves == 0:
        return no_correlation(shape, len(leads))
    by_lead = [_covariances(increments[lead]) for lead in leads]
    pooled = np.mean(by_lead, axis=0)
    localised = _localised(pooled, shape, rank.radius)
    vectors = _leading_eigenvectors(localised, rank)

    def variances(covariances: ByWavenumber) -> tuple[np.ndarray, np.ndarray]:
        return _variances(covariances, vectors)

    # Only the ratio of a lead time to all of them is taken from covariances without localisation.
    own = [np.stack(both) for both in zip(*map(variances, by_lead), strict=True)]
    of_modes, of_others = (
        lead * local / mean
        for lead, local, mean in zip(own, variances(localised), variances(pooled), strict=True)
    )
    return IncrementCorrelation(
        jnp.asarray(np.stack([vectors.real, vectors.imag], axis=-1), jnp.float32),
        jnp.asarray(of_modes, jnp.float32),
        jnp.asarray(of_others, jnp.float32),
    )


def _covariances(scaled: Float[np.ndarray, "case lat lon latent"]) -> ByWavenumber:
    """Covariance of the Fourier coefficients of every wavenumber."""
    total: ByWavenumber | float = 0.0
    for start in range(0, len(scaled), _CHUNK):
        part = np.fft.rfft(scaled[start : start + _CHUNK], axis=2, norm="ortho")
        waves = np.moveaxis(part, 2, 0).astype(np.complex64)
        waves = waves.reshape(*waves.shape[:2], -1)
        total = total + np.swapaxes(waves, 1, 2) @ waves.conj()
    covariances: ByWavenumber = np.asarray(total) / len(scaled)
    return covariances


def _localised(covariances: ByWavenumber, shape: tuple[int, ...], radius: float) -> ByWavenumber:
    """The covariances, in physical space multiplied by a taper of the distance of points."""
    rows, columns, channels = shape
    latitude = 180 * ((np.arange(rows) + 0.5) / rows - 0.5)
    longitude = 360 * np.arange(columns) / columns
    distance = np.stack(
        [
            great_circle_distance(
                jnp.asarray(latitude),
                jnp.zeros(rows),
                jnp.asarray(latitude),
                jnp.full(rows, apart),
            )
            for apart in longitude
        ]
    )
    taper = np.asarray(gaspari_cohn(jnp.asarray(distance), radius))
    by_row = covariances.reshape(len(covariances), rows, channels, rows * channels)
    found = np.empty_like(by_row)
    for row in range(rows):  # bounds the memory
        fields = np.fft.irfft(by_row[:, row], n=columns, axis=0)
        fields = fields.reshape(columns, channels, rows, channels) * taper[:, None, row, :, None]
        waves = np.fft.rfft(fields.reshape(columns, channels, -1), axis=0)
        found[:, row] = waves
    return found.reshape(covariances.shape)


def _leading_eigenvectors(
    covariances: ByWavenumber, rank: CorrelationRank
) -> Complex[np.ndarray, "wave mode coefficient"]:
    """The eigenvectors of the largest eigenvalues of each of the first wavenumbers."""
    last = len(covariances) - 1
    found = []
    for wave, covariance in enumerate(covariances[: rank.waves]):
        symmetric = (covariance + covariance.conj().T) / 2
        _, vectors = np.linalg.eigh(symmetric.real if wave in {0, last} else symmetric)
        found.append(vectors[:, ::-1][:, : rank.modes].T.astype(np.complex64))
    return np.stack(found)


def _variances(
    covariances: ByWavenumber, modes: Complex[np.ndarray, "wave mode coefficient"]
) -> tuple[Float[np.ndarray, "wave mode"], Float[np.ndarray, " wavenumber"]]:
    """Variance of each mode, and the mean of all that the modes of a wavenumber leave."""
    waves, kept, size = modes.shape
    of_modes = np.stack(
        [
            np.einsum("kc,kc->k", own.conj() @ covariance, own).real
            for own, covariance in zip(modes, covariances[:waves], strict=True)
        ]
    )
    total = np.trace(covariances, axis1=1, axis2=2).real
    count = np.full(len(covariances), size)
    total[:waves] -= of_modes.sum(axis=1)
    count[:waves] -= kept
    of_others = total / np.maximum(count, 1)
    return np.maximum(of_modes, _SMALLEST_VARIANCE), np.maximum(of_others, _SMALLEST_VARIANCE)
