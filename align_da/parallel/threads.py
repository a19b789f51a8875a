"""The cores of one process: the same program on several of them, with other arguments."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from align_da.environment import usable_cores

T = TypeVar("T")
R = TypeVar("R")


def on_all_cores(function: Callable[[T], R], arguments: Sequence[T]) -> list[R]:
    """What the function gives of each argument, in their order.

    XLA computes a program that is not split on one core, and lets Python go on meanwhile. The
    first argument is by itself, so that what is compiled, or made once, is made once. Nothing
    here may be traced: JAX keeps what it traces by thread.

    Raises:
        Exception: what the function raises of the first argument that it fails for.
    """
    first = [function(argument) for argument in arguments[:1]]
    rest, cores = arguments[1:], usable_cores()
    if cores == 1 or not rest:
        return [*first, *map(function, rest)]
    with ThreadPoolExecutor(cores) as pool:
        return [*first, *pool.map(function, rest)]
