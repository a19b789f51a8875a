"""How uncertain the prior is in observation space."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.guidance.contract import LatentOperator


def estimate_prior_variance(
    operator: LatentOperator, draws: Float[Array, "draw lat lon latent"]
) -> Float[Array, " observation"]:
    """Variance of A(z), squared units of each observation: `Likelihood.prior_variance`.

    Args:
        operator: A.
        draws: draws of z, from the prior (or standard normal, its scale by construction, at no
            cost); 16 of them give the variance within about a third.
    """
    return jnp.var(jax.lax.map(operator, draws), axis=0, ddof=1)
