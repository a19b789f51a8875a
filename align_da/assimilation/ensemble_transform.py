"""The ensemble transform: a Kalman update of the few directions that an ensemble spans.

With Y the m perturbations of the background in observation space and d the innovation of its mean,
both in units of √R, and ρ the taper of each observation,

    P = [(m − 1) I + Yᵀ ρ Y]⁻¹,   w = P Yᵀ ρ d,   W = √(m − 1) P^½,

the analysis mean is x̄ + X w and the analysis perturbations are X W (symmetric square root).

Sources: Bishop, Etherton and Majumdar 2001, Mon. Wea. Rev. 129, 420-436; Hunt, Kostelich and
Szunyogh 2007, Physica D 230, 112-126, equations 20 to 24 (R-localisation: section 3).
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ObservedSpread:
    """What the observations tell about the directions of the ensemble, in units of R.

    Attributes:
        precision: Yᵀ ρ Y.
        pull: Yᵀ ρ d.
    """

    precision: Float[Array, "*place member member"]
    pull: Float[Array, "*place member"]


def observed_spread(
    perturbations: Float[Array, "member observation"],
    innovation: Float[Array, " observation"],
    taper: Float[Array, "*place observation"],
) -> ObservedSpread:
    """Sums over the observations at every place, two matrix products for all of them.

    Args:
        perturbations: Y, sum over members zero, 0 where an observation is not used.
        innovation: d, 0 where an observation is not used.
        taper: ρ within [0, 1].
    """
    members = perturbations.shape[0]
    pairs = (perturbations[:, None] * perturbations).reshape(members * members, -1)
    precision = (taper @ pairs.T).reshape(*taper.shape[:-1], members, members)
    return ObservedSpread(precision, taper @ (perturbations * innovation).T)


def ensemble_transform(observed: ObservedSpread) -> Float[Array, "*place member member"]:
    """W + W at every place: member j of the analysis is x̄ + Σ_i X_i (w_i + W_ij).

    Where no observation reaches, this is the unit matrix up to rounding. Not to be called inside
    `jax.lax.map`, where a batched eigh has been seen to hang on CPUs.
    """
    members = observed.precision.shape[-1]
    values, vectors = jnp.linalg.eigh(observed.precision)
    values = jnp.maximum(values, 0.0) + (members - 1)
    transposed = jnp.swapaxes(vectors, -1, -2)
    mean = vectors @ (transposed @ observed.pull[..., None] / values[..., None])
    root = jnp.sqrt((members - 1) / values)[..., None, :]
    weights: Float[Array, "*place member member"] = mean + (vectors * root) @ transposed
    return weights


def random_rotation(key: jax.Array, members: int) -> Float[Array, "member member"]:
    """A random rotation of the members that leaves their mean alone.

    It keeps one member from taking all the variance of a nonlinear model.
    Source: Sakov and Oke 2008, Mon. Wea. Rev. 136, 1042-1053, section 4.
    """
    # A reflection that swaps the first axis and the direction of the mean.
    first = jnp.zeros(members).at[0].set(1.0)
    normal = first - jnp.full(members, members**-0.5)
    basis = jnp.eye(members) - 2 * jnp.outer(normal, normal) / jnp.maximum(normal @ normal, 1e-12)
    inner = jax.random.orthogonal(key, members - 1)
    turned = jnp.eye(members).at[1:, 1:].set(inner)
    return basis @ turned @ basis
