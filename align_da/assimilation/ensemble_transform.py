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
from jax.scipy.linalg import cho_factor, cho_solve
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


def correlated_spread(
    perturbations: Float[Array, "member observation"],
    innovation: Float[Array, " observation"],
    taper: Float[Array, "*place observation"],
    correlation: Float[Array, "observation observation"],
) -> ObservedSpread:
    """The same where observation errors are correlated, place by place.

    R-localisation divides the variance of an error by ρ. Where errors are correlated, the part
    (1/ρ − 1) R_ii is added as independent error, so that an observation out of reach is as if it
    were not there: in units of √R_ii and with T = diag(√ρ),

        R⁻¹ → T [I + T (C − I) T]⁻¹ T.

    (A taper on whitened innovations, or on both sides of R⁻¹, would take the errors of
    observations out of reach for known, and trust those near by too much.) With a unit C it is
    `observed_spread`. Every place factorises a matrix of all observations.

    Args:
        perturbations: Y in units of √R_ii, 0 where an observation is not used.
        innovation: d in the same units, 0 where an observation is not used.
        taper: ρ within [0, 1].
        correlation: C of the observation errors, rows of I where an observation is not used.
    """
    stacked = jnp.concatenate([perturbations, innovation[None]])
    beside = correlation - jnp.eye(innovation.shape[0])

    def at_place(rho: Float[Array, " observation"]) -> Float[Array, "member row"]:
        root = jnp.sqrt(rho)
        factor = cho_factor(jnp.eye(rho.shape[0]) + root[:, None] * beside * root)
        return (root * perturbations) @ cho_solve(factor, (root * stacked).T)

    found = jax.lax.map(at_place, taper.reshape(-1, taper.shape[-1]))
    found = found.reshape(*taper.shape[:-1], *found.shape[1:])
    return ObservedSpread(found[..., :-1], found[..., -1])


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
