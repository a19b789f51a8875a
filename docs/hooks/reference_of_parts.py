"""Exit codes and parts by name, as the code declares them."""

from collections.abc import Iterator
from typing import Any

from align_da import errors
from align_da.registry import REGISTRIES, Registry

_OTHERS = {
    0: ("", "Done."),
    1: ("", "A fault of Align-DA, with its traceback: please report it."),
    130: ("", "SIGINT has ended it; the same command goes on."),
    143: ("", "SIGTERM has ended it; the same command goes on."),
}


def exit_codes() -> str:
    """A row a code."""
    kinds = vars(errors).values()
    raised = {
        kind.exit_code: (f"`{kind.__name__}`", _first_line(kind))
        for kind in kinds
        if isinstance(kind, type) and issubclass(kind, errors.AlignDAError)
    }
    raised.pop(errors.AlignDAError.exit_code)
    told = sorted((_OTHERS | raised).items())
    rows = [f"| {code} | {kind} | {meaning} |" for code, (kind, meaning) in told]
    return "\n".join(["| code | error | meaning |", "|---|---|---|", *rows])


def parts() -> str:
    """A section a contract, with the parts that Align-DA brings."""
    return "\n\n".join(_contract(registry) for registry in REGISTRIES)


def _contract(registry: Registry) -> str:
    """The parts of one contract."""
    head = f"## {registry.what.capitalize()}\n\nGroup of entry points: `{registry.group}`."
    rows = list(_rows(registry))
    if not rows:
        return f"{head} Align-DA itself brings none."
    return "\n".join([head, "", "| name | is |", "|---|---|", *rows])


def _rows(registry: Registry) -> Iterator[str]:
    """A row a part of ours."""
    for name in registry.names:
        if registry.origin(name) is None:
            yield f"| `{name}` | {_told(registry.load(name))} |"


def _told(part: Any) -> str:  # noqa: ANN401 (what its contract says)
    """What a part says of itself: its label in tables, or its docstring."""
    return getattr(part, "label", None) or _first_line(part)


def _first_line(documented: object) -> str:
    return (documented.__doc__ or "").strip().partition("\n")[0]
