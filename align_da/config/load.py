"""Strict TOML and overrides into a configuration; a mistake is told with the nearest key."""

import codecs
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from align_da.config.config import Config
from align_da.config.mistakes import shown, told_of
from align_da.config.section import Section
from align_da.errors import ConfigError

AnySection = TypeVar("AnySection", bound=Section)
_LONGEST_LINE = 2000
"""Characters of a line: the time that a dotted key takes grows with the square of its length."""
_LARGEST_FILE = 100_000
"""Bytes of a file."""
_MARKS = {codecs.BOM_UTF8: "a mark of byte order", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
"""What a file begins with that is no plain UTF-8."""
_BARE_TIME = re.compile(r"=\s*\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?!:)")
"""What is nearly a time of TOML, which has seconds."""


def load_config(path: Path | None, overrides: Sequence[str] = ()) -> Config:
    """Read a TOML file and apply overrides.

    Args:
        path: the TOML file; the defaults where None.
        overrides: items "section.key=value", the value in TOML syntax (a bare word is a string).

    Raises:
        ConfigError: no such file, no TOML, unknown key, wrong type or value out of range.
    """
    if isinstance(overrides, str):
        message = f"expected a list of overrides such as ['seed=1'], got {shown(overrides)}"
        raise ConfigError(message)
    return config_from_overridden({} if path is None else _read_toml(path), overrides)


def config_from_overridden(table: dict[str, Any], overrides: Sequence[str]) -> Config:
    """Apply overrides to a nested table, which is changed, and validate it.

    Raises:
        ConfigError: an override cannot be read; unknown key, wrong type or value out of range.
    """
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
        raise ConfigError(told_of(error, section, place)) from error
    except RecursionError as error:
        message = "the configuration is nested too deeply: expected sections of sections of values"
        raise ConfigError(message) from error


def _read_toml(path: Path) -> dict[str, Any]:
    """The table in a TOML file."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        message = f"cannot read the configuration {path}: {error.strerror}"
        raise ConfigError(message) from error
    try:
        text = _as_text(content)
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # no UTF-8, no TOML, a number without end
        message = f"{path} is not valid TOML: {error}"
        if _BARE_TIME.search(content.decode(errors="replace")):
            message += ": a time stands in quotes, as in start = '1959-01-02T00:00'"
        raise ConfigError(message) from error


def _as_text(content: bytes) -> str:
    """The text of a file, if it is plain and of a size that a configuration has.

    Raises:
        ValueError: it is not.
    """
    if len(content) > _LARGEST_FILE:
        message = f"it has more than {_LARGEST_FILE} bytes: keep a configuration to its keys"
        raise ValueError(message)
    for mark, what in _MARKS.items():
        if content.startswith(mark):
            message = f"it begins with {what}: save it as UTF-8 without a mark of byte order"
            raise ValueError(message)
    text = content.decode()
    longest = max(map(len, text.splitlines()), default=0)
    if longest > _LONGEST_LINE:
        message = f"a line of {longest} characters: break it into some of at most {_LONGEST_LINE}"
        raise ValueError(message)
    return text


def _apply(table: dict[str, Any], override: str) -> None:
    """Write one "section.key=value" into the nested table."""
    name, equals, text = override.partition("=")
    if not equals or not name.strip() or {"\n", "\r"} & {*override}:
        message = (
            "expected an override of the form section.key=value, one on one line, "
            f"got {shown(override)}"
        )
        raise ConfigError(message)
    if len(override) > _LONGEST_LINE:
        message = (
            f"expected an override of at most {_LONGEST_LINE} characters, got {len(override)}: "
            "give a file by --config"
        )
        raise ConfigError(message)
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        value = text
    *sections, key = name.strip().split(".")
    place = table
    for section in sections:
        if place.get(section) is None:  # one that is not there
            place[section] = {}
        place = place[section]
        if not isinstance(place, dict):
            message = f"{shown(override)}: {shown(section)} is a value, not a section"
            raise ConfigError(message)
    place[key] = value


def _with_tuples(content: Any) -> Any:  # noqa: ANN401 (nested tables of anything)
    """Tables with tuples where TOML has arrays, all the way down."""
    if isinstance(content, Mapping):
        return {key: _with_tuples(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return tuple(_with_tuples(value) for value in content)
    return content
