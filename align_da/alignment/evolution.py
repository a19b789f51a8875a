"""The slope of a loss along random directions, for what has no derivative or too long a one.

    ĝ = 1/(2 σ P) Σ_p [L(θ + σ ε_p) − L(θ − σ ε_p)] ε_p,

an unbiased estimate of the gradient of L blurred by σ where E[ε εᵀ] is the unit matrix. Both ends
of a pair, and all pairs, are cycled on the same truths, members and observation errors: what these
do to L is in both of its values, and leaves their difference. One pair is SPSA (Spall 1992, IEEE
Trans. Autom. Control 37, 332-341), several are an evolution strategy (Salimans et al. 2017,
arXiv:1703.03864); directions are orthogonal (Choromanski et al. 2018, arXiv:1804.02395).
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.checks import check_positive
from align_da.errors import InputError

LossOfGains = Callable[[Float[Array, " gain"]], float | Float[Array, ""]]
"""Gains → loss, with the same chances whenever it is called; lower is better."""


def slope(
    loss: LossOfGains,
    gains: Float[Array, " gain"],
    directions: Float[Array, "pair gain"],
    radius: float,
) -> Float[Array, " gain"]:
    """The estimate ĝ, unit of the loss.

    Args:
        loss: called twice a pair.
        gains: θ.
        directions: ε, see `directions_of`.
        radius: σ, of the perturbations, in the unit of the gains.

    Raises:
        InputError: the radius is not positive, or a loss is not finite.
    """
    check_positive("the radius of perturbations", radius)
    ends = [
        [float(loss(gains + sign * radius * one)) for sign in (1.0, -1.0)] for one in directions
    ]
    found = jnp.asarray(ends)
    if not bool(jnp.isfinite(found).all()):
        message = (
            f"expected finite losses of perturbed gains, got {ends}: a filter has diverged; "
            f"choose a radius below {radius}"
        )
        raise InputError(message)
    return (found[:, 0] - found[:, 1]) @ directions / (2 * radius * len(directions))


def directions_of(key: jax.Array, pairs: int, size: int) -> Float[Array, "pair gain"]:
    """Orthogonal directions of length √size.

    Args:
        key: of the draw.
        pairs: how many, at least one and at most `size`.
        size: number of gains.

    Raises:
        InputError: there are not as many.
    """
    if not 1 <= pairs <= size:
        message = f"expected 1 to {size} pairs for {size} gains, got {pairs}"
        raise InputError(message)
    return jnp.sqrt(size) * jax.random.orthogonal(key, size)[:pairs]
