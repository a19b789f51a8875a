"""One step of training: a pure function, compiled once."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int

from align_da.parallel.mesh import kept_in_place
from align_da.training.state import Params, TrainState

Metrics = dict[str, Float[Array, ""]]
Loss = Callable[[Params, Any, jax.Array], tuple[Float[Array, ""], Metrics]]
"""(parameters, batch, key) -> (loss, further scalars); the mean over the batch."""
TrainingStep = Callable[[TrainState, Any, jax.Array], tuple[TrainState, Metrics]]
"""(state, batch, key) -> (next state, metrics with the loss as `loss`)."""


def make_step(
    loss: Loss,
    optimizer: optax.GradientTransformation,
    ema_decay: float,
    mesh: Mesh | None = None,
) -> TrainingStep:
    """The compiled step; it takes the arrays of the state it is given, which is then no more.

    Args:
        loss: what is minimised.
        optimizer: how.
        ema_decay: decay of the moving average of the parameters a step; 0 means no averaging.
        mesh: where batches and parameters are split; gradients are averaged over it by XLA.
    """

    def step(state: TrainState, batch: Any, key: jax.Array) -> tuple[TrainState, Metrics]:  # noqa: ANN401  a batch is whatever the loss takes
        gradient, metrics = jax.grad(_with_metrics(loss), has_aux=True)(state.params, batch, key)
        update, optimizer_state = optimizer.update(gradient, state.optimizer, state.params)
        params = optax.apply_updates(state.params, update)
        decay = _warmed_decay(ema_decay, state.step)
        ema = optax.incremental_update(params, state.ema, 1 - decay) if ema_decay else params
        following = TrainState(params, ema, optimizer_state, state.step + 1)
        return kept_in_place(following, mesh), kept_in_place(metrics, mesh)

    return jax.jit(step, donate_argnums=0)


def make_evaluation(loss: Loss, mesh: Mesh | None = None) -> Callable[..., Metrics]:
    """The compiled metrics (parameters, batch, key) -> metrics with the loss as `loss`."""

    def evaluate(params: Params, batch: Any, key: jax.Array) -> Metrics:  # noqa: ANN401  a batch is whatever the loss takes
        return kept_in_place(_with_metrics(loss)(params, batch, key)[1], mesh)

    return jax.jit(evaluate)


def _with_metrics(loss: Loss) -> Loss:
    """The loss with its own value among the metrics."""

    def complete(params: Params, batch: Any, key: jax.Array) -> tuple[Float[Array, ""], Metrics]:  # noqa: ANN401  a batch is whatever the loss takes
        value, metrics = loss(params, batch, key)
        return value, {**metrics, "loss": value}

    return complete


def _warmed_decay(decay: float, step: Int[Array, ""]) -> Float[Array, ""]:
    """min(decay, (1 + step) / (10 + step)): the first parameters do not linger in a short run."""
    return jnp.minimum(decay, (1 + step) / (10 + step))
