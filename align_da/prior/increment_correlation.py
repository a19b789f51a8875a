"""Correlation of background errors in latent space: the noise that the score model removes.

Scaled increments s have unit variance and are correlated in space and between channels. They are
diffused with noise of the same correlation C (`colour` makes it of white noise): s = C^½ z with z
white is the control variable transform of variational assimilation (Derber and Bouttier 1999), and
a network that predicts nothing is then the prior N(0, C) of 3D-Var, not one without structure.

C is homogeneous in longitude and free in latitude and channel. The Fourier coefficients
(orthonormal transform) of zonal wavenumber m have the covariance

    C_m = B_m^½ (ε_m I + Σ_k (λ_k − ε_m) u_k u_kᴴ) B_m^½.

B_m holds the covariance between the channels of each row: it carries the balance between mass and
wind at every scale, which noise that is white in channels would break. The u_k tell what is
correlated between rows, over which the covariance is localised by a Gaspari-Cohn taper; those are
kept that a unit variance would describe worst, and ε_m is the mean variance of the rest. All lead
times share B and u and have variances of their own.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from align_da.atmosphere.localisation import gaspari_cohn, great_circle_distance
from align_da.prior.matrix_root import root_and_inverse

_SMALLEST_VARIANCE = 1e-4  # of a scaled increment: keeps the square root invertible

Covariance = Complex[np.ndarray, "coefficient coefficient"]
ByWavenumber = Complex[np.ndarray, "wavenumber coefficient coefficient"]


@dataclass(frozen=True)
class CorrelationRank:
    """How much of the correlation is kept.

    Attributes:
        modes: vectors u_k of each wavenumber; 0 is no correlation, the white noise of Align-DA.
        radius: half width of the localisation between rows, metres.
    """

    modes: int
    radius: float


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class IncrementCorrelation:
    """The square root of C and its inverse at every lead time with statistics.

    Complex numbers are held as real and imaginary part on a last axis of 2.

    Invariants:
        1. `modes` of one wavenumber are orthonormal; those of m = 0 and of the shortest wave real.
        2. Variances are positive and `channel_root` can be inverted.

    Attributes:
        channel_root: B_m^½, Hermitian, [wavenumber, lat, latent, latent, 2].
        modes: vectors u_k, coefficients ordered (lat, latent), [wavenumber, mode, coefficient, 2].
        mode_variance: λ_k, [lead, wavenumber, mode].
        other_variance: ε_m, [lead, wavenumber].
    """

    channel_root: Float[Array, "wavenumber lat latent latent 2"]
    modes: Float[Array, "wavenumber mode coefficient 2"]
    mode_variance: Float[Array, "lead wavenumber mode"]
    other_variance: Float[Array, "lead wavenumber"]

    def colour(
        self, white: Float[Array, "lat lon latent"], share_of_leads: Float[Array, " lead"]
    ) -> Float[Array, "lat lon latent"]:
        """C^½ of a field; white noise of unit variance gets the correlation C.

        Args:
            white: dimensionless.
            share_of_leads: weights of the lead times whose variances are averaged, sum 1.
        """
        stretched = self._stretch(_to_waves(white), share_of_leads, power=0.5)
        return _to_field(_between_channels(self.channel_root, stretched), white.shape[1])

    def whitener(
        self, share_of_leads: Float[Array, " lead"]
    ) -> Callable[[Float[Array, "lat lon latent"]], Float[Array, "lat lon latent"]]:
        """The inverse of `colour` as a function: inverts matrices once for all its calls."""
        inverse = _parts(jnp.linalg.inv(_complex(self.channel_root)))

        def whiten(scaled: Float[Array, "lat lon latent"]) -> Float[Array, "lat lon latent"]:
            waves = _between_channels(inverse, _to_waves(scaled))
            return _to_field(self._stretch(waves, share_of_leads, power=-0.5), scaled.shape[1])

        return whiten

    def point_covariance(
        self, columns: int, share_of_leads: Float[Array, " lead"]
    ) -> Float[Array, "lat latent latent"]:
        """Covariance between the channels of a point under C, by latitude; near the unit matrix.

        What the modes leave is approximated, so that it is not quite what C was estimated from.
        """
        other = share_of_leads @ self.other_variance
        # Every wave but the first and the shortest stands for two real ones.
        weight = jnp.full(other.shape, 2.0).at[jnp.array([0, -1])].set(1.0) / columns
        extra = jnp.tensordot(share_of_leads, self.mode_variance, axes=1) - other[:, None]
        root = _complex(self.channel_root)
        waves, rows, channels, _ = root.shape
        parts = _complex(self.modes).reshape(waves, -1, rows, channels)
        reached = jnp.einsum("myab,mkyb->mkya", root, parts)
        of_modes = jnp.einsum(
            "mk,mkya,mkyb->yab", weight[:, None] * extra, reached, reached.conj()
        )
        of_others = jnp.einsum("m,myac,mybc->yab", weight * other, root, root.conj())
        return jnp.real(of_modes + of_others)

    def _stretch(
        self,
        waves: Complex[Array, "wavenumber lat latent"],
        share_of_leads: Float[Array, " lead"],
        power: float,
    ) -> Complex[Array, "wavenumber lat latent"]:
        """(ε I + Σ (λ − ε) u uᴴ)^power of the coefficients."""
        coefficients = waves.reshape(waves.shape[0], -1)
        other = (share_of_leads @ self.other_variance) ** power
        variance = jnp.tensordot(share_of_leads, self.mode_variance, axes=1)
        added = self._along_modes(coefficients, variance**power - other[:, None])
        return (other[:, None] * coefficients + added).reshape(waves.shape)

    def _along_modes(
        self,
        coefficients: Complex[Array, "wavenumber coefficient"],
        factor: Float[Array, "wavenumber mode"],
    ) -> Complex[Array, "wavenumber coefficient"]:
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


def _to_waves(field: Float[Array, "lat lon latent"]) -> Complex[Array, "wavenumber lat latent"]:
    """Fourier coefficients in longitude."""
    return jnp.swapaxes(jnp.fft.rfft(field, axis=1, norm="ortho"), 0, 1)


def _to_field(
    waves: Complex[Array, "wavenumber lat latent"], columns: int
) -> Float[Array, "lat lon latent"]:
    """The field of Fourier coefficients."""
    field: Float[Array, "lat lon latent"]
    field = jnp.fft.irfft(jnp.swapaxes(waves, 0, 1), n=columns, axis=1, norm="ortho")
    return field


def _between_channels(
    matrix: Float[Array, "wavenumber lat latent latent 2"],
    waves: Complex[Array, "wavenumber lat latent"],
) -> Complex[Array, "wavenumber lat latent"]:
    """The matrix of every wavenumber and row times the channels, in real arithmetic."""
    real, imaginary = matrix[..., 0], matrix[..., 1]

    def times(part: Array, of: Array) -> Array:
        return jnp.einsum("myab,myb->mya", part, of)

    c, d = jnp.real(waves), jnp.imag(waves)
    return jax.lax.complex(
        times(real, c) - times(imaginary, d), times(real, d) + times(imaginary, c)
    )


def _complex(parts: Float[Array, "*shape 2"]) -> Complex[Array, "*shape"]:
    """Complex numbers of real and imaginary parts."""
    return jax.lax.complex(parts[..., 0], parts[..., 1])


def _parts(values: Complex[Array, "*shape"]) -> Float[Array, "*shape 2"]:
    """Real and imaginary parts of complex numbers."""
    return jnp.stack([jnp.real(values), jnp.imag(values)], axis=-1)


def no_correlation(shape: tuple[int, int, int], leads: int) -> IncrementCorrelation:
    """C = I: the white noise of Align-DA.

    Args:
        shape: (lat, lon, latent).
        leads: number of lead times.
    """
    rows, columns, channels = shape
    waves = columns // 2 + 1
    unit = jnp.broadcast_to(jnp.eye(channels), (waves, rows, channels, channels))
    return IncrementCorrelation(
        jnp.stack([unit, jnp.zeros_like(unit)], axis=-1),
        jnp.zeros((waves, 0, rows * channels, 2)),
        jnp.ones((leads, waves, 0)),
        jnp.ones((leads, waves)),
    )


def estimate_correlation(
    increments: Mapping[int, Iterable[Float[np.ndarray, "_ lat lon latent"]]],
    shape: tuple[int, int, int],
    rank: CorrelationRank,
) -> IncrementCorrelation:
    """The correlation of scaled increments, all lead times counting alike for what they share.

    Args:
        increments: by lead time in hours, some cases at a time, scaled to unit variance.
        shape: (lat, lon, latent).
        rank: what to keep.
    """
    leads = sorted(increments)
    if rank.modes == 0:
        return no_correlation(shape, len(leads))
    by_lead = [_covariances(increments[lead]) for lead in leads]
    taper = _taper_of_rows(shape, rank.radius)
    of_waves = [_of_wavenumber(parts, shape, taper, rank) for parts in zip(*by_lead, strict=True)]
    roots, modes, of_modes, of_others = (np.stack(part) for part in zip(*of_waves, strict=True))
    return IncrementCorrelation(
        _parts(jnp.asarray(roots, jnp.complex64)),
        _parts(jnp.asarray(modes, jnp.complex64)),
        jnp.asarray(np.swapaxes(of_modes, 0, 1), jnp.float32),
        jnp.asarray(of_others.T, jnp.float32),
    )


def _covariances(blocks: Iterable[Float[np.ndarray, "case lat lon latent"]]) -> ByWavenumber:
    """Covariance of the Fourier coefficients of every wavenumber."""
    total: ByWavenumber | float = 0.0
    count = 0
    for scaled in blocks:
        part = np.fft.rfft(scaled, axis=2, norm="ortho")
        waves = np.moveaxis(part, 2, 0).astype(np.complex64)
        waves = waves.reshape(*waves.shape[:2], -1)
        total = total + np.swapaxes(waves, 1, 2) @ waves.conj()
        count += len(scaled)
    covariances: ByWavenumber = np.asarray(total) / count
    # The mean and the shortest wave of a real field are real.
    covariances[[0, -1]] = covariances[[0, -1]].real
    return covariances


def _taper_of_rows(
    shape: tuple[int, ...], radius: float
) -> Float[np.ndarray, "coefficient coefficient"]:
    """Gaspari-Cohn taper of the distance of rows, for every two coefficients."""
    rows, _, channels = shape
    latitude = jnp.asarray(180 * ((np.arange(rows) + 0.5) / rows - 0.5))
    meridian = jnp.zeros(rows)
    distance = great_circle_distance(latitude, meridian, latitude, meridian)
    of_rows = np.asarray(gaspari_cohn(distance, radius))
    return np.repeat(np.repeat(of_rows, channels, axis=0), channels, axis=1)


def _of_wavenumber(
    by_lead: tuple[Covariance, ...],
    shape: tuple[int, ...],
    taper: Float[np.ndarray, "coefficient coefficient"],
    rank: CorrelationRank,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """B^½ [lat, latent, latent], u [mode, coefficient], λ [lead, mode] and ε [lead]."""
    rows, _, channels = shape
    localised = np.mean(by_lead, axis=0) * taper
    blocks = localised.reshape(rows, channels, rows, channels)
    of_rows = blocks[np.arange(rows), :, np.arange(rows), :]
    root, inverse = root_and_inverse(of_rows, _SMALLEST_VARIANCE)

    def without_channels(covariance: Covariance) -> Covariance:
        parts = covariance.reshape(blocks.shape)
        parts = np.einsum("yab,ybzc,zcd->yazd", inverse, parts, inverse, optimize=True)
        whole: Covariance = parts.reshape(covariance.shape)
        return whole

    values, vectors = np.linalg.eigh(without_channels(localised))
    values = np.maximum(values, _SMALLEST_VARIANCE)
    worst = np.argsort(np.log(values) - values)  # divergence of N(0, 1) from N(0, λ), but for 1
    kept, left = worst[: rank.modes], worst[rank.modes :]
    own = np.stack([_along(vectors, without_channels(covariance)) for covariance in by_lead])
    # Only the ratio of a lead time to all of them is taken from covariances without localisation.
    of_lead = np.maximum(values * own / own.mean(axis=0), _SMALLEST_VARIANCE)
    of_others = of_lead[:, left].mean(axis=1) if left.size else np.ones(len(by_lead))
    return root, vectors[:, kept].T, of_lead[:, kept], of_others


def _along(vectors: Covariance, covariance: Covariance) -> Float[np.ndarray, " coefficient"]:
    """Variance along each column of `vectors`."""
    return np.asarray(np.einsum("ck,ck->k", vectors.conj(), covariance @ vectors).real)
