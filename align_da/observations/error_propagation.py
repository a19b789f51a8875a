"""What independent errors of the grid points are in the units of observations.

With H linear near a state x and v the variance of the error at every point of the grid,

    variance of (H x)_o = Σ_i (∂H_o / ∂x_i)² v_i.

Interpolation knows its weights, and they are squared. Of any other operator the tangent is drawn:
with signs s of mean 0 and variance 1 the mean of (H′(x) √v s)² over draws is unbiased (Hutchinson
1990, Commun. Stat. Simul. 19); 64 draws tell a variance to within a sixth. The signs are the same
for every analysis.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.atmosphere import State
from align_da.observations.contract import ObservationOperator
from align_da.observations.interpolation import InterpolationOperator
from align_da.observations.own_times import at_valid_time

_DRAWS = 64


def equivalent_variance(
    operator: ObservationOperator, state: State, variance: Float[Array, "lat lon channel"]
) -> Float[Array, " observation"]:
    """Variance of the model equivalents, in squared SI units of each observation.

    Args:
        operator: H, differentiable in the state; interpolation does not read the state.
        state: values [lat, lon, channel], about which H is taken as linear.
        variance: of the error at every point, SI units squared; the same all through a window.
    """
    operator = at_valid_time(operator)
    if isinstance(operator, InterpolationOperator):
        exact: Float[Array, " observation"] = _interpolated(operator, variance)
        return exact
    spread = jnp.sqrt(variance)
    _, tangent = jax.linearize(lambda values: operator(State(values, state.layout)), state.values)

    def square(key: jax.Array) -> Float[Array, " observation"]:
        drawn: Float[Array, " observation"] = tangent(
            spread * jax.random.rademacher(key, spread.shape, spread.dtype)
        )
        return drawn**2

    squares = jax.lax.map(square, jax.random.split(jax.random.key(0), _DRAWS))
    return jnp.mean(squares, axis=0)


@jax.jit
def _interpolated(
    operator: InterpolationOperator, variance: Float[Array, "lat lon channel"]
) -> Float[Array, " observation"]:
    """Squared weights; corners that are one point have one error, and their weights add up."""
    same = operator.index[:, :, None] == operator.index[:, None, :]
    of_point = (same * operator.weight[:, None, :]).sum(axis=-1)
    at_corner = jnp.take(variance.reshape(-1), operator.index, mode="clip")
    return (operator.weight * of_point * at_corner).sum(axis=-1)
