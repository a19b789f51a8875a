"""What is wrong with a configuration, in words: the place, what came, and the nearest key."""

import difflib
import reprlib
from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

_TOLD = 5
"""Mistakes told at once."""
_LONGEST = 100
"""Characters of a key that are looked at."""


def told_of(error: ValidationError, section: type[BaseModel], place: tuple[str, ...] = ()) -> str:
    """The mistakes in a section that stands at `place` in the configuration, on one line."""
    told = [_explain(section, place, item) for item in error.errors()[:_TOLD]]
    more = error.error_count() - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")


def _explain(section: type[BaseModel], above: tuple[str, ...], item: Mapping[str, Any]) -> str:
    """One line for one validation error of a section."""
    if not item["loc"]:  # a rule between sections
        return str(item["ctx"]["error"])
    *sections, key = (str(part) for part in item["loc"])
    place = ".".join([*above, *sections, key])[:_LONGEST]
    if item["type"] != "extra_forbidden":
        told = str(item["msg"]).removeprefix("Value error, ")
        return f"{place}: {told}, got {shown(item['input'])}{_hint(item)}"
    known = list(_section_at(section, sections).model_fields)
    nearest = difflib.get_close_matches(key[:_LONGEST], known, n=1, cutoff=0.0)[0]
    return f"unknown key {place!r}: did you mean {'.'.join([*above, *sections, nearest])!r}?"


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


def _section_at(found: type[BaseModel], sections: Sequence[str]) -> type[BaseModel]:
    """The section class at a path of names below another."""
    for name in sections:
        annotation = found.model_fields[name].annotation
        candidates = (annotation, *get_args(annotation))
        found = next(c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel))
    return found
