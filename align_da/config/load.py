"""Strict TOML and overrides into a configuration; a mistake is told with the nearest key."""

import difflib
import reprlib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from align_da.config.config import Config
from align_da.config.section import Section
from align_da.errors import ConfigError

AnySection = TypeVar("AnySection", bound=Section)
_TOLD = 5
"""Mistakes told at once."""
_LONGEST = 100
"""Characters of a key that are looked at."""


def load_config(path: Path | None, overrides: Sequence[str] = ()) -> Config:
    """Read a TOML file and apply overrides.

    Args:
        path: the TOML file; the defaults where None.
        overrides: items "section.key=value", the value in TOML syntax (a bare word is a string).

    Raises:
        ConfigError: no such file, no TOML, unknown key, wrong type or value out of range.
    """
    table = {} if path is None else _read_toml(path)
    for override in overrides:
        _apply(table, override)
    return config_from_table(table)


def config_from_table(table: Mapping[str, Any]) -> Config:
    """Validate a nested table.

    Raises:
        ConfigError: unknown key, wrong type or value out of range; says which, and the nearest
        key.
    """
    return section_from_table(Config, table)


def section_from_table(
    section: type[AnySection], table: Mapping[str, Any], place: tuple[str, ...] = ()
) -> AnySection:
    """Validate a nested table that stands at `place` in the configuration.

    Raises:
        ConfigError: unknown key, wrong type or value out of range; says which, and the nearest
        key.
    """
    try:
        return section.model_validate(_with_tuples(table))
    except ValidationError as error:
        told = [_explain(section, place, item) for item in error.errors()[:_TOLD]]
        more = error.error_count() - len(told)
        raise ConfigError("; ".join(told) + (f"; and {more} more" if more else "")) from error
    except RecursionError as error:
        message = "the configuration is nested too deeply: expected sections of sections of values"
        raise ConfigError(message) from error


def _read_toml(path: Path) -> dict[str, Any]:
    """The table in a TOML file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"cannot read the configuration {path}: {error.strerror}"
        raise ConfigError(message) from error
    except (ValueError, RecursionError) as error:  # no UTF-8, no TOML, a number without end
        message = f"{path} is not valid TOML: {error}"
        raise ConfigError(message) from error


def _apply(table: dict[str, Any], override: str) -> None:
    """Write one "section.key=value" into the nested table."""
    name, equals, text = override.partition("=")
    if not equals or not name.strip():
        message = f"expected an override of the form section.key=value, got {override!r}"
        raise ConfigError(message)
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        value = text
    *sections, key = name.strip().split(".")
    place = table
    for section in sections:
        place = place.setdefault(section, {})
        if not isinstance(place, dict):
            message = f"{override!r}: {section!r} is a value, not a section"
            raise ConfigError(message)
    place[key] = value


def _with_tuples(content: Any) -> Any:  # noqa: ANN401 (nested tables of anything)
    """Tables with tuples where TOML has arrays, all the way down."""
    if isinstance(content, Mapping):
        return {key: _with_tuples(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return tuple(_with_tuples(value) for value in content)
    return content


def _explain(section: type[Section], above: tuple[str, ...], item: Mapping[str, Any]) -> str:
    """One line for one validation error of a section."""
    if not item["loc"]:  # a rule between sections
        return str(item["ctx"]["error"])
    *sections, key = (str(part) for part in item["loc"])
    place = ".".join([*above, *sections, key])[:_LONGEST]
    if item["type"] != "extra_forbidden":
        told = str(item["msg"]).removeprefix("Value error, ")
        return f"{place}: {told}, got {reprlib.repr(item['input'])}"
    known = list(_section_at(section, sections).model_fields)
    nearest = difflib.get_close_matches(key[:_LONGEST], known, n=1, cutoff=0.0)[0]
    return f"unknown key {place!r}: did you mean {'.'.join([*above, *sections, nearest])!r}?"


def _section_at(found: type[Section], sections: Sequence[str]) -> type[Section]:
    """The section class at a path of names below another."""
    for name in sections:
        annotation = found.model_fields[name].annotation
        candidates = (annotation, *get_args(annotation))
        found = next(c for c in candidates if isinstance(c, type) and issubclass(c, Section))
    return found
