"""The autoencoder's objective: states and increments.

    loss = mean_c <(D(E(x)) - x)^2>
         + w mean_c <((D(E(x_t)) - D(E(x_b))) - (x_t - x_b))^2> / s_c^2

over truths x_t and backgrounds x_b, with < > the area mean, c the channel and s_c the standard
deviation of increments. The second term is what an analysis needs: its increment is the difference
of two decoded states, and background errors are smaller in scale than states.
"""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, PyTree

AutoencoderLoss = Callable[
    [PyTree, "PairBatch", jax.Array], tuple[Float[Array, ""], dict[str, Float[Array, ""]]]
]
"""(parameters, batch, key) -> (loss, metrics)."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class PairBatch:
    """Truths and their backgrounds, standardised (dimensionless).

    Attributes:
        truth: [batch, lat, lon, channel].
        background: [batch, lat, lon, channel].
    """

    truth: Float[Array, "batch lat lon channel"]
    background: Float[Array, "batch lat lon channel"]


def autoencoder_loss(
    graphdef: nnx.GraphDef,
    area_weights: Float[Array, "lat lon"],
    increment_std: Float[Array, " channel"],
    increment_weight: float = 1.0,
) -> AutoencoderLoss:
    """The training loss of an autoencoder.

    Args:
        graphdef: structure of the autoencoder, the first part of `nnx.split(autoencoder)`.
        area_weights: share of each cell in the sphere, sum 1 (`Grid.area_weights`).
        increment_std: standard deviation of standardised increments, positive (dimensionless).
        increment_weight: weight w of the second term.

    Returns:
        A function of the autoencoder's state (second part of the split), a batch and a key (not
        used: nothing here is random). Metrics: `state_error`, the mean squared error of
        standardised states, and `increment_error`, about the share of increment variance that is
        lost.
    """

    def loss(
        params: PyTree,
        batch: PairBatch,
        key: jax.Array,
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        autoencoder = nnx.merge(graphdef, params)
        states = jnp.concatenate([batch.truth, batch.background])
        error = autoencoder.decode(autoencoder.encode(states)) - states
        of_truth, of_background = jnp.split(error, 2)
        state_error = _area_mean(jnp.square(error), area_weights).mean()
        of_increment = (of_truth - of_background) / increment_std
        increment_error = _area_mean(jnp.square(of_increment), area_weights).mean()
        metrics = {"state_error": state_error, "increment_error": increment_error}
        return state_error + increment_weight * increment_error, metrics

    return loss


def _area_mean(
    fields: Float[Array, "batch lat lon channel"], weights: Float[Array, "lat lon"]
) -> Float[Array, "batch channel"]:
    """Mean over the sphere."""
    return jnp.einsum("byxc,yx->bc", fields, weights)
