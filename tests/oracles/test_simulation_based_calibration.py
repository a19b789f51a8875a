"""Simulation-based calibration (Talts et al. 2018, arXiv:1804.06788): ranks of the truth.

If the draws are from the posterior, the rank of the truth among them is uniform, over truths drawn
from the prior and observed. Every summary is a number of the state: an observed point, an
unobserved one, and the mean over all.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import chisquare

from align_da.config import GuidanceConfig, SamplerConfig
from align_da.observations.likelihood import Likelihood
from align_da.runs.guidances import build_posterior_sampler
from align_da.verification.linear_gaussian import COVARIANCE, POINTS, SHAPE, denoise

TRUTHS = 400
DRAWS = 19
ERROR = 0.5
OBSERVED = slice(0, POINTS, 4)
SUMMARIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "observed": lambda x: x[..., 4],
    "unobserved": lambda x: x[..., 6],
    "mean": lambda x: x.mean(axis=-1),
}
SAMPLER = SamplerConfig(kind="heun", steps=20, sigma_max=20.0)


def posterior_draws(method: str, truths: np.ndarray) -> np.ndarray:
    """Draws given observations of every truth, [truth, draw, point]."""
    sample = build_posterior_sampler(GuidanceConfig(method=method, iterations=8), SAMPLER)
    count = len(range(POINTS)[OBSERVED])
    noise = np.random.default_rng(1).normal(size=(len(truths), count))
    values = jnp.asarray(truths[:, OBSERVED] + ERROR * noise, jnp.float32)

    @jax.jit
    @jax.vmap
    def draw(value: jax.Array, key: jax.Array) -> jax.Array:
        likelihood = Likelihood(
            value, jnp.full(count, ERROR**2), jnp.full(count, True), jnp.ones(count)
        )

        def sample_with(own: jax.Array) -> jax.Array:
            return sample(denoise, lambda z: z.ravel()[OBSERVED], likelihood, own, SHAPE)

        keys = jax.random.split(key, DRAWS)
        return jax.vmap(sample_with)(keys).reshape(DRAWS, POINTS)

    return np.asarray(draw(values, jax.random.split(jax.random.key(2), len(truths))))


def uniformity(method: str) -> dict[str, float]:
    """p-values of χ² for uniform ranks of every summary, in ten bins of two ranks."""
    normal = np.random.default_rng(0).normal(size=(TRUTHS, POINTS))
    truths = normal @ np.linalg.cholesky(COVARIANCE).T
    drawn = posterior_draws(method, truths)
    found = {}
    for name, summary in SUMMARIES.items():
        ranks = np.sum(summary(drawn) < summary(truths)[:, None], axis=1)
        found[name] = float(chisquare(np.bincount(ranks // 2, minlength=10)).pvalue)
    return found


def test_ranks_of_the_truth_are_uniform_among_draws_of_mmps() -> None:
    assert min(uniformity("mmps").values()) > 0.01


def test_ranks_reveal_that_repaint_has_too_little_spread() -> None:
    """A known failure is seen by the same test: it can fail."""
    assert min(uniformity("repaint").values()) < 1e-4
