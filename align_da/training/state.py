"""What training carries from step to step."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

Params = Any
"""Parameters of a network: an `nnx.State` or any other pytree of arrays."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TrainState:
    """Everything that a step changes.

    Attributes:
        params: parameters that are trained.
        ema: their exponential moving average, which is what gets validated and kept.
        optimizer: state of the optimizer.
        step: steps done.
    """

    params: Params
    ema: Params
    optimizer: optax.OptState
    step: Int[Array, ""]


def initial_state(params: Params, optimizer: optax.GradientTransformation) -> TrainState:
    """The state before the first step; its arrays are its own, for a step to take."""
    return TrainState(
        copied(params), copied(params), optimizer.init(params), jnp.zeros((), jnp.int32)
    )


@jax.jit
def copied(params: Params) -> Params:
    """The parameters in arrays of their own, placed as they were."""
    return jax.tree.map(jnp.copy, params)
