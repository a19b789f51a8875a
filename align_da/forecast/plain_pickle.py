"""The plain values in a pickle, read without running anything in it.

A pickle is a program for a small stack machine, and an unpickler calls whatever the program names.
Here its instructions are interpreted by hand: there are containers, numbers, texts, bytes, and a
few names that stand for NumPy arrays. Nothing is imported or called by its name, and any other
name is refused. Instructions are documented in Python's `pickletools`, arrays in NumPy's
`ndarray.__reduce_ex__`.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from align_da.errors import InputError

_KINDS = "biufcSUmM"  # of arrays that hold no objects
_DEEPEST = 100


@dataclass(frozen=True)
class _Name:
    """A name in the pickle, one of those that are known here."""

    name: str


@dataclass
class _Call:
    """A call that is not made.

    Attributes:
        called: what is called.
        arguments: of the call.
        state: what the object would be told afterwards.
    """

    called: _Name
    arguments: tuple[Any, ...]
    state: Any = None


@dataclass
class _Machine:
    """What instructions work on: a stack, the places of marks on it, and a memory."""

    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memory: list[Any] = field(default_factory=list)

    def taken(self, count: int) -> list[Any]:
        """The last `count` values, taken off."""
        return [self.stack.pop() for _ in range(count)][::-1]

    def since_mark(self) -> list[Any]:
        """What lies above the last mark, taken off."""
        return self.taken(len(self.stack) - self.marks.pop())


def plain_values(content: bytes, what: str) -> Any:  # noqa: ANN401 (values of any type)
    """Dictionaries, lists, tuples, numbers, texts, bytes and arrays in a pickle.

    Args:
        content: of the file.
        what: what errors speak of.

    Raises:
        InputError: it is no pickle (protocol 4 or 5), or holds anything else.
    """
    machine = _Machine()
    try:
        for instruction, argument, _ in pickletools.genops(content):
            _step(machine, instruction.name, argument)
        return _made(machine.stack.pop(), {}, 0)
    except (ValueError, TypeError, IndexError, KeyError, AttributeError) as error:
        message = f"{what}: expected a pickle of numbers, texts and arrays alone: {error}"
        raise InputError(message) from error


def _step(machine: _Machine, name: str, argument: Any) -> None:  # noqa: ANN401
    """Follow one instruction.

    Raises:
        ValueError: it is not known here.
    """
    if name in _STEPS:
        _STEPS[name](machine)
    elif name in _CONSTANTS:
        machine.stack.append(_CONSTANTS[name]())
    elif name in {"BINGET", "LONG_BINGET"}:
        machine.stack.append(machine.memory[argument])
    elif name in _VALUES:
        machine.stack.append(argument)
    elif name not in {"PROTO", "FRAME", "STOP"}:
        message = f"the instruction {name} is not read"
        raise ValueError(message)


def _append_all(machine: _Machine) -> None:
    values = machine.since_mark()
    machine.stack[-1].extend(values)


def _set_all(machine: _Machine) -> None:
    values = machine.since_mark()
    machine.stack[-1].update(zip(values[::2], values[1::2], strict=True))


def _set_one(machine: _Machine) -> None:
    key, value = machine.taken(2)
    machine.stack[-1][key] = value


def _append_one(machine: _Machine) -> None:
    (value,) = machine.taken(1)
    machine.stack[-1].append(value)


def _tell(machine: _Machine) -> None:
    (state,) = machine.taken(1)
    machine.stack[-1].state = state


def _name(machine: _Machine) -> None:
    name = ".".join(machine.taken(2))
    if name not in _MAKERS and name != "numpy.ndarray":
        message = f"it names {name}, which is refused"
        raise ValueError(message)
    machine.stack.append(_Name(name))


def _call(machine: _Machine) -> None:
    called, arguments = machine.taken(2)
    machine.stack.append(_Call(called, arguments))


_STEPS: dict[str, Callable[[_Machine], None]] = {
    "MARK": lambda machine: machine.marks.append(len(machine.stack)),
    "MEMOIZE": lambda machine: machine.memory.append(machine.stack[-1]),
    "APPENDS": _append_all,
    "APPEND": _append_one,
    "SETITEMS": _set_all,
    "SETITEM": _set_one,
    "TUPLE": lambda machine: machine.stack.append(tuple(machine.since_mark())),
    "TUPLE1": lambda machine: machine.stack.append(tuple(machine.taken(1))),
    "TUPLE2": lambda machine: machine.stack.append(tuple(machine.taken(2))),
    "TUPLE3": lambda machine: machine.stack.append(tuple(machine.taken(3))),
    "STACK_GLOBAL": _name,
    "REDUCE": _call,
    "BUILD": _tell,
}
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
}
_VALUES = {
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
    *("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    *("SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}


def _made(value: Any, known: dict[int, Any], depth: int) -> Any:  # noqa: ANN401
    """`value` with arrays in the place of calls; what is shared stays so.

    Raises:
        ValueError: a call cannot be an array, or containers hold themselves.
    """
    if depth > _DEEPEST:
        message = f"containers are nested more than {_DEEPEST} deep"
        raise ValueError(message)
    if not isinstance(value, dict | list | tuple | _Call):
        return value
    if id(value) not in known:
        known[id(value)] = _container(value, known, depth + 1)
    return known[id(value)]


def _container(value: Any, known: dict[int, Any], depth: int) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {key: _made(inner, known, depth) for key, inner in value.items()}
    if isinstance(value, _Call):
        arguments = tuple(_made(inner, known, depth) for inner in value.arguments)
        return _MAKERS[value.called.name](arguments, _made(value.state, known, depth))
    return type(value)(_made(inner, known, depth) for inner in value)


def _dtype(arguments: tuple[Any, ...], state: Any) -> np.dtype[Any]:  # noqa: ANN401
    """Arguments: "f4" and two flags; state: the order of bytes second, the unit of time ninth."""
    dtype = np.dtype(str(arguments[0]))
    if dtype.kind not in _KINDS:
        message = f"an array of {dtype} is refused"
        raise ValueError(message)
    if dtype.kind in "mM":
        unit, count = state[8][1][:2]
        dtype = np.dtype(f"{dtype.str}[{int(count)}{unit.decode()}]")
    return dtype if state is None else dtype.newbyteorder(state[1])


def _array(state: tuple[Any, ...]) -> np.ndarray:
    """State: version, shape, dtype, whether columns come first, bytes."""
    _, shape, dtype, by_column, content = state
    flat = np.frombuffer(content, dtype)
    return flat.reshape(shape, order="F" if by_column else "C")


def _from_buffer(arguments: tuple[Any, ...], _: object) -> np.ndarray:
    """Arguments: bytes, dtype, shape, order; of protocol 5."""
    content, dtype, shape, order = arguments
    return np.frombuffer(content, dtype).reshape(shape, order=order)


_NUMPY: dict[str, Callable[[tuple[Any, ...], Any], Any]] = {
    "multiarray._reconstruct": lambda _, state: _array(state),
    "multiarray.scalar": lambda arguments, _: np.frombuffer(arguments[1], arguments[0])[0],
    "numeric._frombuffer": _from_buffer,
}
_MAKERS: dict[str, Callable[[tuple[Any, ...], Any], Any]] = {
    "numpy.dtype": _dtype,
    **{
        f"numpy.{core}.{name}": make for core in ("core", "_core") for name, make in _NUMPY.items()
    },
    # A JAX array: how NumPy makes one, the arguments and the state of that, and its own.
    "jax._src.array._reconstruct_array": lambda arguments, _: _array(arguments[2]),
}
