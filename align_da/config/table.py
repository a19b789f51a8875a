"""A configuration as a plain table, to be stored, and back."""

from collections.abc import Mapping, Sequence
from typing import Any

from align_da.config.config import Config
from align_da.config.load import config_from_overridden, config_from_table
from align_da.config.section import Section

_LEFT_OUT_AT: Mapping[str, Mapping[str, Any]] = {
    "correction": {"averaged": 1},
    "cycle": {"correction_share": 0.0},
}
"""What digests leave out at another value than its default, by section."""

_CHOICES = {"sampler": "kind", "guidance": "method"}
"""The key of a section that defaults of its other keys follow."""


def table_of(section: Section) -> dict[str, Any]:
    """Every key with its value, those that digests leave out too, as JSON has them.

    `config_from_table` reads it back.
    """
    return {name: _plain(getattr(section, name)) for name in type(section).model_fields}


def config_from_digested(table: Mapping[str, Any]) -> Config:
    """The configuration of what has been digested of it, as the manifest of a run holds it.

    Args:
        table: `digests.plain` of a configuration: without what digests leave out.

    Raises:
        ConfigError: unknown key, wrong type or value out of range: another version has written it.
    """
    filled = {
        name: {**_LEFT_OUT_AT[name], **said} if name in _LEFT_OUT_AT else said
        for name, said in table.items()
    }
    return config_from_table(filled)


def with_overrides(config: Config, overrides: Sequence[str]) -> Config:
    """A configuration with items "section.key=value" on top, see `load_config`.

    What the chosen sampler or guidance needs is not kept where another one is chosen.

    Raises:
        ConfigError: an override cannot be read; unknown key, wrong type or value out of range.
    """
    table = table_of(config)
    for name, choice in _CHOICES.items():
        table[name] = _without_what_follows(getattr(config, name), choice)
    return config_from_overridden(table, overrides)


def _without_what_follows(section: Section, choice: str) -> dict[str, Any]:
    """A section without the values that are defaults beside its choice."""
    table = table_of(section)
    usual = table_of(type(section).model_validate({choice: table[choice]}))
    return {key: value for key, value in table.items() if key == choice or value != usual[key]}


def _plain(value: Any) -> Any:  # noqa: ANN401 (whatever a key can hold)
    if isinstance(value, Section):
        return table_of(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(held) for name, held in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(held) for held in value]
    return value
