"""A network that says the same everywhere, and how it is judged."""

import jax
import jax.numpy as jnp
from flax import nnx

from align_da.training.analysis_correction import Judgement, MetCycles, correction_loss

SHAPE = (4, 6)


class Constant(nnx.Module):
    """A network that says the same everywhere."""

    def __init__(self, outputs: list[float]) -> None:
        self.outputs = nnx.Param(jnp.asarray(outputs))

    def __call__(self, evidence: jax.Array) -> jax.Array:
        return jnp.broadcast_to(self.outputs[...], (*evidence.shape[:3], self.outputs.shape[0]))


def loss_of(
    outputs: list[float], batch: MetCycles, judged: Judgement, *, scales_spread: bool
) -> dict[str, float]:
    graph, params = nnx.split(Constant(outputs))
    loss = correction_loss(graph, judged, scales_spread=scales_spread)
    return {
        name: float(value) for name, value in loss(params, batch, jax.random.key(0))[1].items()
    }
