"""The names of the library, in the groups in which `align_da.api` lists them."""

import re
from collections.abc import Iterator
from importlib import import_module

from align_da import api

_GROUP = re.compile(r"^([A-Z]\w+): (.+?)(?=\n[A-Z]\w+:|\n\n)", re.MULTILINE | re.DOTALL)
_ROOM = re.compile(r"^    from (\S+) import (.+)$", re.MULTILINE)


def names() -> str:
    """What `import align_da` offers: a section a group, a description a name."""
    return "\n\n".join(_groups())


def _groups() -> Iterator[str]:
    told = set()
    for group, listed in _GROUP.findall(api.__doc__ or ""):
        found = [name for name in re.findall(r"`(\w+)`", listed) if name in api.__all__]
        told |= {*found}
        yield f"## {group}"
        yield from (f"::: align_da.api.{name}" for name in found)
    if missing := {*api.__all__} - told:
        message = f"names that no group of align_da.api lists: {sorted(missing)}"
        raise ValueError(message)


def rooms() -> str:
    """What comes from the rooms, as `align_da.api` tells it."""
    found: dict[str, list[str]] = {}
    for room, listed in _ROOM.findall(api.__doc__ or ""):
        found.setdefault(room, []).extend(listed.split(", "))
    return "\n\n".join(text for room in found for text in _room(room, found[room]))


def _room(room: str, listed: list[str]) -> Iterator[str]:
    yield f"## {room}"
    yield (import_module(room).__doc__ or "").strip()
    yield from (f"::: {room}.{name}" for name in listed)
