"""What objects check of what they are made with: once, at their construction.

A message says what was expected, what came and, where that is no guess, what to do.
"""

import math
from collections.abc import Callable, Iterable

from align_da.errors import InputError

_BRIEF = 80
"""Characters of a value that a message has room for."""
_LISTED = 5
"""Names that a message lists."""


def shortened(text: str, most: int = _BRIEF) -> str:
    """A text of at most so many characters; one that was cut ends with an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def in_brief(value: object) -> str:
    """What a value is, on one line of a length that can be read."""
    return shortened(" ".join(repr(value).split()))


def some_of(names: Iterable[str]) -> str:
    """The first few names of many, with an ellipsis where there are more."""
    every = [*names]
    more = ", …" if len(every) > _LISTED else ""
    return ", ".join(shortened(name) for name in every[:_LISTED]) + more


def check_positive(what: str, value: object) -> None:
    """Raise an InputError unless `value` is a finite number above 0."""
    _check(what, value, "a number > 0", lambda number: 0 < number < math.inf)


def check_share(what: str, value: object) -> None:
    """Raise an InputError unless `value` is a number of 0 to 1."""
    _check(what, value, "a number of 0 to 1", lambda number: 0 <= number <= 1)


def check_count(what: str, value: object) -> None:
    """Raise an InputError unless `value` is a whole number of at least 1."""
    whole = isinstance(value, int) or hasattr(value, "__index__")
    _check(what, value, "a whole number of at least 1", lambda number: whole and number >= 1)


def check_kind(what: str, value: object, kind: type | tuple[type, ...], expected: str) -> None:
    """Raise an InputError unless `value` is an object (and no class) of this kind.

    Args:
        what: of what `value` is given as, for the message.
        value: whatever came.
        kind: what it has to be; of a protocol, what it has to have.
        expected: how such an object is had, for the message.
    """
    if isinstance(value, type) or not isinstance(value, kind):
        message = f"{what}: expected {expected}, got {_told(value)}"
        raise InputError(message)


def _told(value: object) -> str:
    """What a value is, on one line."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    return f"{type(value).__name__} {in_brief(value)}"


def _check(what: str, value: object, expected: str, holds: Callable[[float], bool]) -> None:
    """Raise an InputError unless `value` is a number of which `holds` is true."""
    try:
        good = not isinstance(value, str | bool) and holds(float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        good = False
    if not good:
        message = f"{what}: expected {expected}, got {in_brief(value)}"
        raise InputError(message)
