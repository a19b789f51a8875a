"""Triangular truncation of increments: what a spectral model can hold, and nothing smaller.

On a Gaussian grid the fields of a spectral model are sums of spherical harmonics with n ≤ N.
Scalars are projected on them; the wind is projected on the rotational and divergent winds of
stream functions and velocity potentials with n ≤ N (vector spherical harmonics), since u and v by
themselves are not smooth at the poles. Both projections are orthogonal over the sphere, and
matrices between the latitudes for each zonal wavenumber.

Source: Krishnamurti et al. 2006, An Introduction to Global Spectral Modeling, chapters 6 and 7.
"""

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float
from scipy.special import sph_harm_y

from align_da.atmosphere.state import Layout
from align_da.errors import InputError

WINDS = (
    ("u_component_of_wind", "v_component_of_wind"),
    ("10m_u_component_of_wind", "10m_v_component_of_wind"),
)
_SAME_LATITUDE = 1e-3  # degrees: files hold latitudes in single precision


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class SpectralTruncation:
    """A linear, idempotent map of increments on a Gaussian grid.

    Attributes:
        layout: of the increments.
        scalar: projection of a scalar, [wavenumber, lat, lat].
        wind: projection of (u, −i v), [wavenumber, 2 lat, 2 lat].
    """

    layout: Layout = field(metadata={"static": True})
    scalar: Float[Array, "wavenumber lat lat"]
    wind: Float[Array, "wavenumber lat2 lat2"]

    def __call__(
        self, increment: Float[Array, "*batch lat lon channel"]
    ) -> Float[Array, "*batch lat lon channel"]:
        """What of the increment the truncation keeps, in the units of the increment."""
        wavenumbers = self.scalar.shape[0]
        waves = jnp.fft.rfft(increment, axis=-2)
        longitudes, all_waves = increment.shape[-2], waves.shape[-2]
        low = waves[..., :wavenumbers, :]
        kept = _projected(self.scalar, low)
        for names in (pair for pair in WINDS if pair[0] in self.layout.variables):
            u, v = (self.layout.channels_of(name) for name in names)
            both = jnp.concatenate([low[..., u], -1j * low[..., v]], axis=-3)
            new_u, new_v = jnp.split(_projected(self.wind, both), 2, axis=-3)
            kept = kept.at[..., u].set(new_u).at[..., v].set(1j * new_v)
        padding = [(0, 0)] * kept.ndim
        padding[-2] = (0, all_waves - wavenumbers)
        return jnp.fft.irfft(jnp.pad(kept, padding), n=longitudes, axis=-2)


def _projected(
    matrix: Float[Array, "wavenumber row row"],
    waves: Complex[Array, "*batch row wavenumber channel"],
) -> Complex[Array, "*batch row wavenumber channel"]:
    """Real matrices applied to real and imaginary parts."""
    parts = jnp.stack([waves.real, waves.imag])
    real, imaginary = jnp.einsum("myz,...zmc->...ymc", matrix, parts)
    return jax.lax.complex(real, imaginary)


def spectral_truncation(layout: Layout, truncation: int) -> SpectralTruncation:
    """The truncation T`truncation` on the grid of `layout`.

    Raises:
        InputError: the grid is no Gaussian grid, or too coarse for the truncation.
    """
    layout.grid.check_closed("spectral truncation")
    latitude = np.asarray(layout.grid.latitude)
    nodes, weights = np.polynomial.legendre.leggauss(latitude.size)
    apart = np.abs(np.rad2deg(np.arcsin(nodes)) - latitude).max()
    longitudes = len(layout.grid.longitude)
    if apart > _SAME_LATITUDE or truncation >= min(latitude.size, longitudes / 2):
        message = (
            f"T{truncation} needs a Gaussian grid with more than {truncation} latitudes and twice "
            f"as many longitudes, got {latitude.size} x {longitudes}, up to {apart:.3g} degrees "
            "from Gaussian latitudes: set analysis.truncation to what the forecast model holds, "
            "or leave it out"
        )
        raise InputError(message)
    scalars, winds = [], []
    for wavenumber in range(truncation + 1):
        scalar, wind = _bases(nodes, wavenumber, truncation)
        scalars.append(_projection(scalar, weights))
        winds.append(_projection(wind, np.tile(weights, 2)))
    return SpectralTruncation(
        layout,
        jnp.asarray(np.stack(scalars), jnp.float32),
        jnp.asarray(np.stack(winds), jnp.float32),
    )


def _projection(
    basis: Float[np.ndarray, "row harmonic"], weights: Float[np.ndarray, " row"]
) -> Float[np.ndarray, "row row"]:
    """The orthogonal projection on the columns of an orthonormal basis."""
    return np.asarray((basis @ basis.T) * weights)


def _bases(
    nodes: Float[np.ndarray, " lat"], wavenumber: int, truncation: int
) -> tuple[Float[np.ndarray, "lat harmonic"], Float[np.ndarray, "lat2 mode"]]:
    """Orthonormal harmonics at the Gaussian nodes, and orthonormal winds (u, −i v).

    With P the harmonic, c = cos φ and m the wavenumber, a stream function has the wind
    (−P', m P / c) and −i times a velocity potential (m P / c, −P'), with square norm n (n + 1).
    """
    cosine = np.sqrt(1 - nodes**2)[:, None]
    degrees = np.arange(wavenumber, truncation + 2)
    theta = np.arccos(nodes)[:, None]
    harmonic = np.sqrt(2 * np.pi) * sph_harm_y(degrees, wavenumber, theta, 0.0).real
    n, below = degrees[:-1], np.pad(harmonic[:, :-2], ((0, 0), (1, 0)))
    slope = ((n + 1) * _epsilon(n, wavenumber) * below) - (
        n * _epsilon(n + 1, wavenumber) * harmonic[:, 1:]
    )
    harmonic = harmonic[:, :-1]
    norm = np.sqrt(np.maximum(n * (n + 1), 1))
    along, across = -slope / cosine / norm, wavenumber * harmonic / cosine / norm
    wind = np.block([[along, across], [across, along]])
    return harmonic, wind


def _epsilon(degree: np.ndarray, wavenumber: int) -> Float[np.ndarray, " harmonic"]:
    """ε of the recurrence (1 − μ²) dP_n/dμ = (n + 1) ε_n P_{n−1} − n ε_{n+1} P_{n+1}."""
    return np.asarray(np.sqrt((degree**2 - wavenumber**2) / (4.0 * degree**2 - 1)))
