"""Strict TOML and overrides into a configuration; a mistake is told with the nearest key."""

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from align_da.config.config import Config
from align_da.config.section import Section
from align_da.errors import ConfigError


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
    try:
        return Config.model_validate(table)
    except ValidationError as error:
        raise ConfigError("; ".join(_explain(item) for item in error.errors())) from error


def _read_toml(path: Path) -> dict[str, Any]:
    """The table in a TOML file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"cannot read the configuration {path}: {error.strerror}"
        raise ConfigError(message) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
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
    except tomllib.TOMLDecodeError:
        value = text
    *sections, key = name.strip().split(".")
    place = table
    for section in sections:
        place = place.setdefault(section, {})
        if not isinstance(place, dict):
            message = f"{override!r}: {section!r} is a value, not a section"
            raise ConfigError(message)
    place[key] = value


def _explain(item: Mapping[str, Any]) -> str:
    """One line for one validation error."""
    if not item["loc"]:  # a rule between sections
        return str(item["ctx"]["error"])
    *sections, key = (str(part) for part in item["loc"])
    place = ".".join([*sections, key])
    if item["type"] != "extra_forbidden":
        return f"{place}: {item['msg']}, got {item['input']!r}"
    known = list(_section_at(sections).model_fields)
    nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
    return f"unknown key {place!r}: did you mean {'.'.join([*sections, nearest])!r}?"


def _section_at(sections: Sequence[str]) -> type[Section]:
    """The section class at a path of names."""
    found: type[Section] = Config
    for name in sections:
        annotation = found.model_fields[name].annotation
        candidates = (annotation, *get_args(annotation))
        found = next(c for c in candidates if isinstance(c, type) and issubclass(c, Section))
    return found
