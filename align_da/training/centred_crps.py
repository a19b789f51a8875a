"""The fair CRPS of members that lie about a mean without sampling error, as a loss.

What `align_da.verification.ensemble_scores` computes with `centred`, in JAX and in the precision
of the states: with X the M members, X̄ their mean and t the truth at a point,

    mean_m |X̄ + √(M / (M − 1)) (X_m − X̄) − t| − 1/(M (M − 1)) Σ_k (2k − M − 1) X_(k).
"""

import jax.numpy as jnp
from jaxtyping import Array, Float


def centred_crps(
    members: Float[Array, "member *point"], truth: Float[Array, "*point"]
) -> Float[Array, "*point"]:
    """Fair CRPS at each point, unit of the states, lower is better; of two members at least."""
    count, mean = members.shape[0], members.mean(axis=0)
    draws = mean + jnp.sqrt(count / (count - 1)) * (members - mean)
    places = 2.0 * jnp.arange(1, count + 1) - count - 1
    pairs = jnp.tensordot(places, jnp.sort(members, axis=0), axes=1) / (count * (count - 1))
    found: Float[Array, "*point"] = jnp.abs(draws - truth).mean(axis=0) - pairs
    return found
