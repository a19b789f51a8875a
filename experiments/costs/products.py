"""The products of matrices and the largest array of a program, counted in what JAX has traced."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Traced:
    """What one program takes.

    Attributes:
        flop: multiplications and additions, as `count_products` counts them.
        largest: bytes of the largest array that it makes, if the compiler fuses none away.
    """

    flop: float
    largest: int


def trace(function: Callable[..., Any], *arguments: Any) -> Traced:  # noqa: ANN401  any program
    """Arithmetic and largest array of a program, arguments as of `count_products`."""
    program = jax.make_jaxpr(function)(*arguments).jaxpr
    return Traced(_count(program), _largest(program))


def _largest(jaxpr: Any) -> int:  # noqa: ANN401  a jaxpr has no public type
    made = [out.aval for equation in jaxpr.eqns for out in equation.outvars]
    sizes: list[int] = [
        prod(aval.shape) * aval.dtype.itemsize for aval in made if hasattr(aval, "dtype")
    ]
    within = [_largest(p) for e in jaxpr.eqns for p in _inner(e.params.values())]
    return max([0, *sizes, *within])


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
