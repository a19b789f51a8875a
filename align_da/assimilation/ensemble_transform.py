"""The ensemble transform: a Kalman update of the few directions that an ensemble spans.

With Y the m perturbations of the background in observation space and d the innovation of its mean,
both in units of √R, and ρ the taper of each observation,

    P = [(m − 1) I + Yᵀ ρ Y]⁻¹,   w = P Yᵀ ρ d,   W = √(m − 1) P^½,

the analysis mean is x̄ + X w and the analysis perturbations are X W (symmetric square root).

The root is found by products of matrices alone, which on CPUs and cards take less than half the
time of a decomposition into eigenvectors, are as near to it as rounding allows, and may be called
anywhere: a batched eigh has been seen to hang inside `jax.lax.map`.

Sources: Bishop, Etherton and Majumdar 2001, Mon. Wea. Rev. 129, 420-436; Hunt, Kostelich and
Szunyogh 2007, Physica D 230, 112-126, equations 20 to 24 (R-localisation: section 3).
"""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_factor, cho_solve
from jax.scipy.sparse.linalg import cg
from jaxtyping import Array, Float

_NEAR = 3e-4  # a round of Newton-Schulz squares it
_OF_DERIVATIVE = 1e-5  # residual of its linear system, of the right-hand side


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
    """Sums over the observations at every place.

    Args:
        perturbations: Y, sum over members zero, 0 where an observation is not used.
        innovation: d, 0 where an observation is not used.
        taper: ρ within [0, 1].
    """
    # The path of the sum depends on whether there are more places or more members.
    precision = jnp.einsum("...k,ik,jk->...ij", taper, perturbations, perturbations)
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
    `observed_spread`. Every place factorises a matrix of these observations.

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

    Where no observation reaches, this is the unit matrix up to rounding.
    """
    members = observed.precision.shape[-1]
    root = inverse_root(jnp.eye(members) + observed.precision / (members - 1))
    mean = root @ (root @ observed.pull[..., None]) / (members - 1)
    weights: Float[Array, "*place member member"] = mean + root
    return weights


@jax.custom_jvp
def inverse_root(matrix: Float[Array, "*place size size"]) -> Float[Array, "*place size size"]:
    """A^-½ of symmetric matrices whose eigenvalues are at least 1, by scaled Newton-Schulz.

    With A over a bound c of its largest eigenvalue, Y → A^½ and Z → A^-½ (both over √c) by

        Y → Y T,   Z → T Z,   T = ρ/2 (3 I − ρ² Z Y),   ρ² = 3 / (1 + l + l²),

    where l, at first c^-½, is the least singular value of √(Z Y), which grows 2.6-fold while it is
    small and then converges quadratically: 6 rounds for c = 100, 11 for 10⁶.

    The rounds have no derivative, the root has: with X = A^-½, X A X = I gives

        A^½ dX + dX A^½ = −X dA X,

    solved by conjugate gradients, since the map on the left is symmetric and positive.

    Sources: Chen and Chow 2014, A stable scaling of Newton-Schulz for improving the sign function
    computation of a Hermitian matrix, Argonne preprint ANL/MCS-P5059-0114; coupled as in Higham
    2008, Functions of Matrices, section 6.7.
    """
    unit = jnp.eye(matrix.shape[-1])
    bound = jnp.linalg.norm(matrix, axis=(-2, -1), keepdims=True)
    start = matrix / bound, jnp.broadcast_to(unit, matrix.shape), 1 / jnp.sqrt(bound)

    def repeat(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        root, inverse, least = state
        scale = jnp.sqrt(3 / (1 + least + least**2))
        turn = scale / 2 * (3 * unit - scale**2 * (inverse @ root))
        return root @ turn, turn @ inverse, scale / 2 * least * (3 - scale**2 * least**2)

    def unfinished(state: tuple[Array, Array, Array]) -> Array:
        return jnp.any((state[2] > 0) & (state[2] < 1 - _NEAR))  # 0: overflow

    root, inverse, _ = jax.lax.while_loop(unfinished, repeat, start)
    # One round more without scaling: from `_NEAR` to rounding.
    last: Float[Array, "*place size size"] = (3 * unit - inverse @ root) / 2 @ inverse
    return last / jnp.sqrt(bound)


@inverse_root.defjvp
def _derivative(
    matrices: tuple[Float[Array, "*place size size"]],
    tangents: tuple[Float[Array, "*place size size"]],
) -> tuple[Float[Array, "*place size size"], Float[Array, "*place size size"]]:
    (matrix,), (change,) = matrices, tangents
    inverse = inverse_root(matrix)
    root = matrix @ inverse

    def both_sides(moved: Float[Array, "*place size size"]) -> Float[Array, "*place size size"]:
        return root @ moved + moved @ root

    found = jax.lax.custom_linear_solve(
        both_sides, -inverse @ change @ inverse, _by_conjugate_gradients, symmetric=True
    )
    return inverse, found


def _by_conjugate_gradients(
    operator: Callable[[Array], Array], right: Float[Array, "*place size size"]
) -> Float[Array, "*place size size"]:
    found: Float[Array, "*place size size"] = cg(operator, right, tol=_OF_DERIVATIVE)[0]  # type: ignore[no-untyped-call]
    return found


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
