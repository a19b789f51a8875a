"""Which cases make up a batch: a pure function of the step.

Since the step says it all, a resumed training needs no position of an iterator.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import numpy as np
from jaxtyping import Int

from align_da.errors import InputError
from align_da.keys import Purpose, key_for

VALIDATION_BATCHES = 8
"""Every training validates on the first so many batches of its held-out cases."""
Cases = tuple[Callable[[Int[np.ndarray, " batch"]], Any], int]
"""Row numbers → batch, and how many rows there are."""


@dataclass(frozen=True)
class BatchPlan:
    """Cases in an order that is new each epoch, cut into batches of equal size.

    Every epoch holds each case exactly once. A batch that reaches over the end of an epoch goes
    on with the next: nothing is left out and all batches have the same size.

    Invariants:
        1. count and batch_size are positive.

    Attributes:
        count: number of cases.
        batch_size: cases a batch; may exceed `count`.
        seed: seed of the order.
    """

    count: int
    batch_size: int
    seed: int

    def __post_init__(self) -> None:
        if self.count < 1 or self.batch_size < 1:
            message = f"expected a positive number of cases and batch size, got {self}"
            raise InputError(message)

    def indices(self, step: int) -> Int[np.ndarray, " batch"]:
        """The cases of the batch of `step`, each in [0, count)."""
        places = step * self.batch_size + np.arange(self.batch_size)
        epochs = places // self.count
        batch = np.empty(self.batch_size, np.int64)
        for epoch in np.unique(epochs):
            here = epochs == epoch
            order = _order_of_epoch(self.count, self.seed, int(epoch))
            batch[here] = order[places[here] % self.count]
        return batch


def batches_of(cases: Cases, batch_size: int, seed: int) -> Callable[[int], Any]:
    """Step → batch, a pure function, in the order of `BatchPlan`."""
    batch_of, count = cases
    plan = BatchPlan(count, batch_size, seed)
    return lambda step: batch_of(plan.indices(step))


def validation_batches(held_out: Cases, batch_size: int, seed: int) -> list[Any]:
    """What a training validates on: `VALIDATION_BATCHES` batches of cases that it never sees."""
    batch_at = batches_of(held_out, batch_size, seed)
    return [batch_at(index) for index in range(VALIDATION_BATCHES)]


@lru_cache(maxsize=8)
def _order_of_epoch(count: int, seed: int, epoch: int) -> Int[np.ndarray, " case"]:
    """All cases in the order of one epoch."""
    key = key_for(seed, Purpose.BATCHES, epoch)
    return np.asarray(jax.random.permutation(key, count))
