"""How transformers calculate: the precision of matrix products, and what a gradient keeps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array


@dataclass(frozen=True)
class Arithmetic:
    """Mixed precision and activation checkpointing of a transformer.

    Attributes:
        dtype: of the operands of matrix products. Parameters, norms and what passes from block to
            block are in single precision whatever this is.
        recompute: the backward pass computes the activations within a block again instead of
            keeping them: a third more arithmetic for the memory of all blocks but one.
    """

    dtype: Any = jnp.float32
    recompute: bool = False

    def through(
        self, blocks: Sequence[nnx.Module], apply: Callable[[Any, Array], Array], features: Array
    ) -> Array:
        """Features through one block after another.

        The blocks are a loop to the compiler, so that its time does not grow with their number.

        Args:
            blocks: of the same structure.
            apply: a block and its input → its output, of the same shape.
            features: the input of the first.
        """
        graph = nnx.graphdef(blocks[0])
        states = [nnx.state(block) for block in blocks]
        stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)

        def one(carried: Array, state: Any) -> tuple[Array, None]:  # noqa: ANN401  of a block
            return apply(nnx.merge(graph, state), carried), None

        step = jax.checkpoint(one) if self.recompute else one
        passed: Array = jax.lax.scan(step, features, stacked)[0]
        return passed
