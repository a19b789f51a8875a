"""The CRPS of a Gaussian: Gneiting et al. 2005, Mon. Wea. Rev. 133, 1098-1118, equation 5."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def gaussian_crps(
    error: Float[Array, "*shape"], spread: Float[Array, "*shape"]
) -> Float[Array, "*shape"]:
    """CRPS of N(mean, spread²) with what came `error` away from the mean, in their unit."""
    ratio = error / spread
    cdf = jax.scipy.stats.norm.cdf(ratio)
    pdf = jax.scipy.stats.norm.pdf(ratio)
    found: Float[Array, "*shape"] = spread * (ratio * (2 * cdf - 1) + 2 * pdf - jnp.pi**-0.5)
    return found
