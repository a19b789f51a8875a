"""Batches that are made ahead."""

from threading import Event

import pytest

from align_da.training.prefetch import prefetched


def test_batches_come_in_order_and_all_of_them() -> None:
    assert list(prefetched(lambda step: step**2, range(3, 8))) == [9, 16, 25, 36, 49]
    assert list(prefetched(lambda step: step, range(0))) == []


def test_the_next_batch_is_made_while_one_is_in_use() -> None:
    made = {step: Event() for step in range(4)}

    def batch_at(step: int) -> int:
        made[step].set()
        return step

    batches = prefetched(batch_at, range(4))
    assert next(batches) == 0
    assert made[1].wait(10)
    assert not made[2].is_set()
    batches.close()


def test_an_error_in_making_a_batch_reaches_whoever_asks_for_it() -> None:
    def batch_at(step: int) -> int:
        if step == 1:
            raise ValueError(step)
        return step

    batches = prefetched(batch_at, range(3))
    assert next(batches) == 0
    with pytest.raises(ValueError, match="1"):
        next(batches)
