"""What is wrong with a configuration, in words: the place, what came, and the nearest key.

An unknown key is answered with the one that it is a misspelling of, or else with those that it may
mean.
"""

import difflib
import json
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from typing import Any

from pydantic import BaseModel, ValidationError

from align_da.checks import shortened
from align_da.config.key import Key, section_in
from align_da.config.nearest import is_another_word, meant_by

_TOLD = 5
"""Mistakes told at once."""
_LONGEST = 100
"""Characters of a key that are looked at."""
_DEEPEST = 3
"""Tables in an unknown table that are looked into."""
_MISSPELT, _SPELT_ALIKE = 0.8, 0.7
"""Of difflib: what is hardly another word, and what may be."""


def told_of(error: ValidationError, section: type[BaseModel], place: tuple[str, ...] = ()) -> str:
    """The mistakes in a section that stands at `place` in the configuration, on one line."""
    by_key: dict[tuple[int | str, ...], list[Mapping[str, Any]]] = {}
    for item in error.errors():
        by_key.setdefault(_key_of(section, item), []).append(item)
    told = [_explain(section, place, key, items) for key, items in [*by_key.items()][:_TOLD]]
    more = len(by_key) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")


def _key_of(section: type[BaseModel], item: Mapping[str, Any]) -> tuple[int | str, ...]:
    """Where a mistake is, without the kind of value that it is held against.

    A value that is of none of several kinds is a mistake against each of them.
    """
    place, found = tuple(item["loc"]), section
    if item["type"] == "extra_forbidden":
        return place
    for number, name in enumerate(place, start=1):
        inner = section_in(found, str(name))
        if inner is None:
            behind = (part for part in place[number:] if isinstance(part, int))
            return (*place[:number], *behind)
        found = inner
    return place


def _explain(
    section: type[BaseModel],
    above: tuple[str, ...],
    key: tuple[int | str, ...],
    items: Sequence[Mapping[str, Any]],
) -> str:
    """One line for what is wrong with a key of a section."""
    item, place = items[0], [str(part) for part in key]
    if not place:  # a rule between sections
        return str(item["ctx"]["error"])
    if item["type"] == "extra_forbidden":
        return unknown_key(section, [*place, *_first_within(item["input"])], above)
    told = ", or ".join(map(_expected, items))
    return f"{_name([*above, *place])}: {told}, got {shown(item['input'])}{_hint(item)}"


def _expected(item: Mapping[str, Any]) -> str:
    """What a key would have to be; what pydantic calls a tuple is a list in a file."""
    if item["type"] != "tuple_type":
        said = str(item["msg"]).removeprefix("Value error, ")
        return said.replace("Tuple should have", "A list should have")
    given = item["input"]
    example = isinstance(given, str | int | float) and not isinstance(given, bool)
    return f"a list is wanted: [{json.dumps(given)}]" if example else "a list is wanted"


def unknown_key(
    section: type[BaseModel], place: Sequence[str], above: tuple[str, ...] = ()
) -> str:
    """What to say of a key that a section does not have, on one line.

    Args:
        section: the section.
        place: of the key in it; what stands behind the first name that there is not may help.
        above: place of the section.
    """
    found, number = section, 0
    while number < len(place) - 1 and (inner := section_in(found, place[number])):
        found, number = inner, number + 1
    sections, key = [*above, *place[:number]], place[number][:_LONGEST]
    known, whole = tuple(found.model_fields), [name[:_LONGEST] for name in place]
    asked = f"unknown key {_name([*sections, key])!r}"

    def spelt(cutoff: float) -> list[str]:
        return difflib.get_close_matches(key, known, n=1, cutoff=cutoff)

    if (nearest := spelt(_MISSPELT)) and not is_another_word(section, whole):
        return f"{asked}: did you mean {_name([*sections, *nearest])!r}?"
    if meant := meant_by(section, whole):
        return f"unknown key {_name([*above, *whole])!r}: did you mean {_described(meant, above)}?"
    if nearest := spelt(_SPELT_ALIKE):
        return f"{asked}: did you mean {_name([*sections, *nearest])!r}?"
    return f"{asked}: expected one of {', '.join(known)}"


def _described(keys: Iterable[Key], above: tuple[str, ...]) -> str:
    """The keys, those that say the same together."""
    by_gist: dict[str, list[str]] = {}
    for key in keys:
        by_gist.setdefault(key.gist, []).append(repr(_name([*above, *key.place])))
    return " or ".join(f"{', '.join(names)} ({gist})" for gist, names in by_gist.items())


def _first_within(given: object) -> list[str]:
    """The first name in a table, and in the table that it may be the name of."""
    names: list[str] = []
    while isinstance(given, Mapping) and given and len(names) < _DEEPEST:
        name, given = next(iter(given.items()))
        names.append(str(name))
    return names


def _name(place: Iterable[str]) -> str:
    """A place as it is written, of a length that can be read."""
    return shortened(".".join(place), _LONGEST)


def shown(value: object) -> str:
    """A value in a few words."""
    try:
        return reprlib.repr(value)
    except ValueError:  # Python refuses to write out a number of thousands of digits
        return "a number of too many digits"


def _hint(item: Mapping[str, Any]) -> str:
    """What to do about a value of another type, where that is no guess."""
    wants_text = item["type"] == "string_type"
    return ": write it in quotes" if wants_text and isinstance(item["input"], date | time) else ""
