"""A configuration as TOML: its values, and a file with every key to begin one's own with."""

import json
import re
from collections.abc import Iterator, Mapping
from textwrap import wrap

from align_da.config.config import Config
from align_da.config.key import Key, keys_of
from align_da.config.schema import kind_of

_BARE = re.compile(r"[\w-]+", re.ASCII)
_WIDTH = 98  # of a comment, without its mark
_HEAD = """\
# Everything that a configuration can say, with its defaults.
#
# Behind each stands what it may be. A key acts when the mark before it is taken away; until then
# it has its default, which may change with the version. A section that is marked is not there.
"""


def as_toml(value: object) -> str:
    """A value of a configuration as TOML writes it.

    Args:
        value: a text, a truth value, a number, or a sequence or table of them; nothing of None.
    """
    if value is None:
        return ""
    if isinstance(value, Mapping):
        pairs = (f"{_key(str(name))} = {as_toml(held)}" for name, held in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_toml, value))}]"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


def template() -> str:
    """A file with every key, marked as a comment, under its description."""
    keys = tuple(keys_of(Config))
    own = (_lines_of(key) for key in keys if len(key.place) == 1 and key.section is None)
    sections = (
        line for key in keys if key.section is not None for line in _lines_of_section(key, keys)
    )
    return "\n".join([_HEAD, *(line for lines in own for line in lines), *sections])


def _lines_of_section(section: Key, keys: tuple[Key, ...]) -> Iterator[str]:
    """A section with its keys; those of sections within it follow later."""
    mark = "#" if default_of(section) is None else ""
    yield from _comment(section.description)
    yield f"{mark}[{section}]"
    yield ""
    for key in keys:
        if key.place[:-1] == section.place and key.section is None:
            yield from _lines_of(key)


def _lines_of(key: Key) -> Iterator[str]:
    """A key under its description; one without a default has no value either."""
    yield from _comment(key.description)
    yield f"#{assignment(key, key.place[-1], default_of(key))}"
    yield ""


def assignment(key: Key, name: str, value: object) -> str:
    """A value given to a key, and what it may be."""
    needed = ", has to be given" if key.field.is_required() else ""
    return f"{f'{name} = {as_toml(value)}'.rstrip()}  # {kind_of(key)}{needed}"


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in wrap(text, _WIDTH, break_long_words=False)]


def default_of(key: Key) -> object:
    """What a key is where it is not given; None where it is nothing, or has to be given."""
    found: object = Config()
    for name in key.place:
        found = getattr(found, name, None)
    absent = found is None and not key.field.is_required()
    return key.field.get_default(call_default_factory=True) if absent else found


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(text: str) -> str:
    """Text as JSON writes it, which is TOML but for one sign that JSON lets stand."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
