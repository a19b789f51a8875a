"""Linear-Gaussian conformance: samplers and guidance against the Kalman posterior.

Prior N(0, C) on a ring of 32 points, C_ij = exp(−d²/8) + 10⁻⁴ δ_ij, exact denoiser
C (C + σ²)⁻¹ x, some points observed. With the prior's denoiser exact, whatever is wrong with the
draws is the guidance's or the sampler's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from align_da.guidance.contract import PosteriorSampler
from align_da.observations.correlated_errors import CorrelatedErrors
from align_da.observations.likelihood import Likelihood
from align_da.prior.matrix_root import square_root

POINTS = 32
SHAPE = (1, POINTS, 1)
_DISTANCE = np.abs(np.arange(POINTS)[:, None] - np.arange(POINTS))
_RING_DISTANCE = np.minimum(_DISTANCE, POINTS - _DISTANCE)
COVARIANCE = np.exp(-(_RING_DISTANCE**2) / 8) + 1e-4 * np.eye(POINTS)
_EIGENVALUES, _EIGENVECTORS = np.linalg.eigh(COVARIANCE)
_ROOT = square_root(COVARIANCE)


@dataclass(frozen=True)
class LinearGaussianCase:
    """What is observed.

    Attributes:
        observed: indices of the observed points.
        errors: standard deviations of their errors.
        length: of the exponential correlation of the errors, in points; 0 if they are independent.
    """

    observed: tuple[int, ...]
    errors: tuple[float, ...]
    length: float = 0.0

    @property
    def covariance(self) -> Float[np.ndarray, "observation observation"]:
        """R."""
        points = np.asarray(self.observed)
        apart = _RING_DISTANCE[np.ix_(points, points)]
        correlation = np.exp(-apart / self.length) if self.length else np.eye(points.size)
        return np.outer(self.errors, self.errors) * correlation


def every(spacing: int, error: float) -> LinearGaussianCase:
    """Every so manieth point is observed with the same error."""
    observed = tuple(range(0, POINTS, spacing))
    return LinearGaussianCase(observed, (error,) * len(observed))


def scattered(
    share: float, lowest: float, highest: float, length: float = 0.0
) -> LinearGaussianCase:
    """A share of the points, at least one, with errors from `lowest` to `highest` anywhere."""
    random = np.random.default_rng(0)
    count = max(1, round(share * POINTS))
    observed = np.sort(random.permutation(POINTS)[:count])
    errors = random.permutation(np.geomspace(lowest, highest, count))
    return LinearGaussianCase(tuple(observed.tolist()), tuple(errors.tolist()), length)


@dataclass(frozen=True)
class Conformance:
    """A sampled posterior against Kalman's, each a mean over seeds.

    Attributes:
        mean_error: root mean square error of the mean of the draws.
        spread_ratio: sampled over exact standard deviation.
        wasserstein: W2 distance of the Gaussians with both moments, over √points.
        residual: root mean square of y − H x.
        exact_residual: the same of the exact posterior.
        standardised_error: of the mean of the draws, in posterior standard deviations of each
            point, root mean square.
        standardised_spread: sampled over exact standard deviation of each point, likewise.
    """

    mean_error: float
    spread_ratio: float
    wasserstein: float
    residual: float
    exact_residual: float
    standardised_error: float
    standardised_spread: float


def denoise(noisy: Float[Array, "1 32 1"], sigma: Float[Array, ""]) -> Float[Array, "1 32 1"]:
    """The exact denoiser of N(0, C)."""
    vectors = jnp.asarray(_EIGENVECTORS, jnp.float32)
    values = jnp.asarray(_EIGENVALUES, jnp.float32)
    gain = values / (values + sigma**2)
    return (vectors @ (gain * (vectors.T @ noisy.ravel()))).reshape(SHAPE)


def denoise_white(
    noisy: Float[Array, "lat lon latent"], sigma: Float[Array, ""]
) -> Float[Array, "lat lon latent"]:
    """The exact denoiser of N(0, I)."""
    return noisy / (1 + sigma**2)


def compare_with_kalman(
    posterior: PosteriorSampler,
    case: LinearGaussianCase,
    *,
    seeds: Sequence[int],
    draws: int,
    control_variable: bool = False,
) -> Conformance:
    """Sample the posterior of one truth a seed, and average the comparison.

    Args:
        posterior: under test.
        case: what is observed.
        seeds: of truth, observation errors and draws.
        draws: a seed.
        control_variable: diffuse z with x = C^½ z, z white, as JFPS demands.
    """
    found = [
        _compare(posterior, case, seed, draws, control_variable=control_variable) for seed in seeds
    ]
    return Conformance(*(float(value) for value in np.mean(found, axis=0)))


def _compare(
    posterior: PosteriorSampler,
    case: LinearGaussianCase,
    seed: int,
    draws: int,
    *,
    control_variable: bool,
) -> tuple[float, ...]:
    random = np.random.default_rng(seed)
    truth = np.linalg.cholesky(COVARIANCE) @ random.normal(size=POINTS)
    observed, errors = np.asarray(case.observed), np.asarray(case.errors)
    correlation = case.covariance / np.outer(errors, errors)
    error = np.linalg.cholesky(correlation) @ random.normal(size=observed.size)
    value = truth[observed] + errors * error
    mean, covariance = kalman_posterior(case, value)
    likelihood = Likelihood(
        jnp.asarray(value, jnp.float32),
        jnp.asarray(errors**2, jnp.float32),
        jnp.ones(value.size, bool),
        jnp.ones(value.size),
        CorrelatedErrors(jnp.asarray(case.covariance, jnp.float32)) if case.length else None,
    )
    drawn = np.asarray(
        _draw(
            likelihood,
            jnp.asarray(observed),
            jax.random.key(seed),
            posterior=posterior,
            draws=draws,
            control_variable=control_variable,
        ),
        np.float64,
    )
    residual = drawn[:, observed] - value
    exact = (mean[observed] - value) ** 2 + covariance.diagonal()[observed]
    wrong, variance = drawn.mean(axis=0) - mean, covariance.diagonal()
    return (
        np.sqrt(np.mean(wrong**2)),
        np.sqrt(drawn.var(axis=0, ddof=1).mean() / variance.mean()),
        _wasserstein(drawn.mean(axis=0), np.cov(drawn.T), mean, covariance) / np.sqrt(POINTS),
        np.sqrt(np.mean(residual**2)),
        np.sqrt(exact.mean()),
        np.sqrt(np.mean(wrong**2 / variance)),
        np.sqrt(np.mean(drawn.var(axis=0, ddof=1) / variance)),
    )


def kalman_posterior(
    case: LinearGaussianCase, value: Float[np.ndarray, " observation"]
) -> tuple[Float[np.ndarray, "32"], Float[np.ndarray, "32 32"]]:
    """Mean and covariance of the exact posterior."""
    observed = np.asarray(case.observed)
    cross = COVARIANCE[:, observed]
    innovation = cross[observed] + case.covariance
    gain = np.linalg.solve(innovation, cross.T).T
    return gain @ value, COVARIANCE - gain @ cross.T


@partial(jax.jit, static_argnames=("posterior", "draws", "control_variable"))
def _draw(
    likelihood: Likelihood,
    observed: Int[Array, " observation"],
    key: jax.Array,
    *,
    posterior: PosteriorSampler,
    draws: int,
    control_variable: bool,
) -> Float[Array, "draw 32"]:
    root = jnp.asarray(_ROOT if control_variable else np.eye(POINTS), jnp.float32)

    def observe(z: Float[Array, "1 32 1"]) -> Float[Array, " observation"]:
        return (root @ z.ravel())[observed]

    prior = denoise_white if control_variable else denoise
    keys = jax.random.split(key, draws)
    drawn = jax.vmap(lambda own: posterior(prior, observe, likelihood, own, SHAPE))(keys)
    return drawn.reshape(draws, POINTS) @ root.T


def _wasserstein(
    mean: Float[np.ndarray, "n"],
    covariance: Float[np.ndarray, "n n"],
    other_mean: Float[np.ndarray, "n"],
    other_covariance: Float[np.ndarray, "n n"],
) -> float:
    """W2 of two Gaussians (Givens and Shortt 1984, Michigan Math. J. 31, 231-240)."""
    root = square_root(covariance)
    cross = square_root(root @ other_covariance @ root)
    spread = np.trace(covariance) + np.trace(other_covariance) - 2 * np.trace(cross)
    return float(np.sqrt(np.sum((mean - other_mean) ** 2) + max(spread, 0.0)))
