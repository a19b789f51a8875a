"""What the configuration says of itself: in a terminal, and as the page beside this file."""

from collections.abc import Iterable
from textwrap import fill

from align_da.config.config import Config
from align_da.config.key import Key, keys_of
from align_da.config.mistakes import unknown_key
from align_da.config.schema import choices_of, kind_of
from align_da.config.toml import as_toml, assignment, default_of
from align_da.errors import ConfigError

_WIDTH = 88
_INDENT = "    "
_PAGE = """\
# Keys of the configuration

What a TOML file (`--config`) and `--set section.key=value` can say. The page is made of the
descriptions in this folder; after a change of them it is made anew by

```console
align-da config --markdown > align_da/config/README.md
```

`align-da config SECTION` tells the same in a terminal, with the values of a file;
`align-da config --init` makes a file to begin one's own with, `align-da config --schema` a JSON
schema for editors.
"""
_COLUMNS = "| key | default | may be | meaning |\n|---|---|---|---|"


def sections() -> str:
    """Every section, and every key that is in none, on a line each."""
    told = [key for key in keys_of(Config) if key.section is not None or len(key.place) == 1]
    width = max(len(str(key)) for key in told)
    return "\n".join(f"{key!s:{width}}  {key.gist}" for key in told)


def described(name: str, config: Config | None = None) -> str:
    """What there is to say of a section or a key.

    Args:
        name: of a section, of a key with its sections, or of keys of that name anywhere; of what
            stands in a table of names that others choose, the table.
        config: whose values are shown; the defaults where None.

    Raises:
        ConfigError: there is no such section or key; says which may be meant.
    """
    keys = tuple(keys_of(Config))
    whole = [key for key in keys if str(key) == name]
    found = whole or [key for key in keys if key.place[-1] == name]
    found = found or [key for key in keys if key.is_open and name.startswith(f"{key}.")]
    if not found:
        raise ConfigError(unknown_key(Config, name.split(".")))
    return "\n\n".join(
        _section(key, keys, config) if key.section else _alone(key, config) for key in found
    )


def _section(section: Key, keys: Iterable[Key], config: Config | None) -> str:
    """A section with its keys."""
    own = (key for key in keys if key.place[:-1] == section.place)
    head = f"[{section}]\n{fill(section.description, _WIDTH)}"
    return "\n\n".join([head, *(_within(key, config) for key in own)])


def _within(key: Key, config: Config | None) -> str:
    """A key of a section that is shown."""
    if key.section is not None:
        return f"[{key}]\n{_indented(f'{key.gist}.')}"
    return f"{_assigned(key, key.place[-1], config)}\n{_indented(key.description)}"


def _alone(key: Key, config: Config | None) -> str:
    """Everything on a key."""
    told = [_assigned(key, str(key), config), _indented(key.description)]
    if names := choices_of(key):
        told.append(_indented(f"Installed: {', '.join(names)}."))
    if key.found_by:
        told.append(_indented(f"Found by: {', '.join(key.found_by)}."))
    return "\n".join(told)


def _assigned(key: Key, name: str, config: Config | None) -> str:
    """A key with its value in effect, and its default where that is another."""
    default = default_of(key)
    value = default if config is None else _value_of(config, key)
    changed = (
        ""
        if value == default or key.field.is_required()
        else f"; default {as_toml(default) or 'none'}"
    )
    return f"{assignment(key, name, value)}{changed}"


def _value_of(config: Config, key: Key) -> object:
    """What a key is in a configuration; its default where that does not have the section."""
    found: object = config
    for name in key.place:
        found = getattr(found, name, None)
        if found is None and name != key.place[-1]:
            return default_of(key)
    return found


def _indented(text: str) -> str:
    return fill(text, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)


def page() -> str:
    """The page beside this file: every section with a table of its keys, in Markdown."""
    keys = tuple(keys_of(Config))
    told = [_PAGE, _table(key for key in keys if len(key.place) == 1 and key.section is None)]
    for section in keys:
        if section.section is not None:
            own = (key for key in keys if key.place[:-1] == section.place and not key.section)
            told.append(f"## {section}\n\n{section.description}\n\n{_table(own)}")
    return "\n".join(told)


def _table(keys: Iterable[Key]) -> str:
    """A row a key."""
    rows = (
        f"| `{key.place[-1]}` | {_default_in_table(key)} | {kind_of(key)} | {key.description} |"
        for key in keys
    )
    return "\n".join([_COLUMNS, *rows, ""])


def _default_in_table(key: Key) -> str:
    if key.field.is_required():
        return "has to be given"
    return f"`{written}`" if (written := as_toml(default_of(key))) else "none"
