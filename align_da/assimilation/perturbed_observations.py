"""Perturbed observations: an ensemble whose spread a single static gain would otherwise lose.

Source: Burgers, van Leeuwen and Evensen 1998, Mon. Wea. Rev. 126, 1719-1724.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


def observation_perturbations(
    key: jax.Array, members: int, used: Bool[Array, " observation"]
) -> Float[Array, "member observation"]:
    """Standard normal perturbations with zero mean over the ensemble, in units of √R.

    A single member is therefore updated with the observations themselves. An observation that is
    not used is not perturbed.
    """
    noise = jax.vmap(
        lambda member: jax.random.normal(jax.random.fold_in(key, member), used.shape)
    )(jnp.arange(members))
    return jnp.where(used, noise - noise.mean(axis=0), 0.0)
