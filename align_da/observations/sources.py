"""Several sources of observations as one batch: one likelihood term a source.

    p(y_1, y_2 | x) = N(y_1; H_1(x), R_1) N(y_2; H_2(x), R_2),

that is one observation vector with the operators stacked and a block-diagonal R, which every
method takes as it takes any other. MODS (arXiv:2506.14798) guides a diffusion prior by a
low-resolution map and by stations in this way. R is diagonal here: errors of the cells of a map
are independent of each other and of those of stations, which holds for simulated maps; for a map
that is an analysis itself its `error` has to be raised instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.atmosphere import Layout, State
from align_da.errors import InputError
from align_da.observations.batch import ObservationBatch
from align_da.observations.contract import Bind, ObservationOperator


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class StackedOperator:
    """H of several sources, one after the other; fulfils `ObservationOperator`.

    Attributes:
        operators: H of each source.
    """

    operators: tuple[ObservationOperator, ...]

    def __call__(self, state: State) -> Float[Array, "*batch observation"]:
        """Model equivalents of one or more states, SI units of each observation."""
        return jnp.concatenate([operator(state) for operator in self.operators], axis=-1)


def stacked_operator(sources: Sequence[tuple[int, Bind]]) -> Bind:
    """How to bind the operators of several sources to a batch that holds them in turn.

    Args:
        sources: number of observations of each source (padding included), and its operator.
    """

    def bind(batch: ObservationBatch, layout: Layout) -> StackedOperator:
        counts, size = [count for count, _ in sources], batch.value.shape[0]
        if sum(counts) != size:
            message = (
                f"expected {' + '.join(map(str, counts))} observations, one part a source, got "
                f"{size}: join the batches of the same sources in the same order"
            )
            raise InputError(message)
        starts = [sum(counts[:place]) for place in range(len(counts))]
        return StackedOperator(
            tuple(
                operator_for(_part(batch, slice(start, start + count)), layout)
                for start, (count, operator_for) in zip(starts, sources, strict=True)
            )
        )

    return bind


def joined_batches(batches: Sequence[ObservationBatch]) -> ObservationBatch:
    """The observations of all batches in turn; numbers of stations count within a source."""
    together: ObservationBatch = jax.tree.map(lambda *parts: jnp.concatenate(parts), *batches)
    return together


def _part(batch: ObservationBatch, rows: slice) -> ObservationBatch:
    """The observations of one source."""
    part: ObservationBatch = jax.tree.map(lambda array: array[rows], batch)
    return part
