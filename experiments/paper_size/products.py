"""The arithmetic of a program: its products of matrices, counted in what JAX has traced."""

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import jax


def count_products(function: Callable[..., Any], *arguments: Any) -> float:  # noqa: ANN401  any program
    """Multiplications and additions of every product of matrices, loops of known length included.

    Args:
        function: traced, not run; it must hold no loop that ends by a condition.
        arguments: arrays, or what has their shapes.
    """
    return _count(jax.make_jaxpr(function)(*arguments).jaxpr)


def _count(jaxpr: Any) -> float:  # noqa: ANN401  a jaxpr has no public type
    total = 0.0
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            left = equation.invars[0].aval.shape
            shared = prod(left[axis] for axis in contracted)
            total += 2.0 * shared * prod(equation.outvars[0].aval.shape)
        times = equation.params.get("length", 1) if equation.primitive.name == "scan" else 1
        total += times * sum(_count(inner) for inner in _inner(equation.params.values()))
    return total


def _inner(values: Any) -> Iterator[Any]:  # noqa: ANN401  parameters of a primitive
    """The programs within a primitive."""
    for value in values:
        if isinstance(value, (tuple, list)):
            yield from _inner(value)
        elif hasattr(value, "eqns"):
            yield value
        elif hasattr(value, "jaxpr"):
            yield value.jaxpr
