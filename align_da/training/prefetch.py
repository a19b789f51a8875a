"""Batches made ahead, so that a device does not wait for them."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Batch = TypeVar("Batch")


def prefetched(batch_at: Callable[[int], Batch], steps: Iterable[int]) -> Iterator[Batch]:
    """The batches of `steps` in order, each made in a thread while the one before is used.

    Args:
        batch_at: the batch of a step, a pure function.
        steps: their numbers.
    """
    with ThreadPoolExecutor(max_workers=1) as maker:
        waiting: deque[Future[Batch]] = deque()
        for step in steps:
            waiting.append(maker.submit(batch_at, step))
            if len(waiting) > 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
