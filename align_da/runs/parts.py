"""Parts of a run: how they are built, their settings, and what tells that they are the same."""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from align_da.checks import in_brief
from align_da.config import AnySection, Config, section_from_table
from align_da.errors import ConfigError
from align_da.registry import Registry

_ASKED: ContextVar[set[str] | None] = ContextVar(
    "parts that have asked for settings", default=None
)


def settings_of(config: Config, name: str, section: type[AnySection]) -> AnySection:
    """The table [parts.name] of the configuration as the section that the part called name has.

    A part asks for it while it is built.

    Raises:
        ConfigError: it is not such a section; says which key is wrong.
    """
    asked = _ASKED.get()
    if asked is not None:
        asked.add(name)
    return section_from_table(section, config.parts.get(name, {}), ("parts", name))


def built(
    registry: Registry,
    name: str,
    build: Callable[..., Any],
    contract: type[object],
    config: Config | None = None,
    /,
    **arguments: object,
) -> Any:  # noqa: ANN401 (what the contract says)
    """What the builder of a part makes.

    Args:
        registry: of its kind.
        name: of the part.
        build: the builder, which takes the arguments in this order.
        contract: what it has to make.
        config: whose table [parts.name] it has to read if there is one; None for kinds of parts
            that have no settings.
        arguments: by what they are called in messages.

    Raises:
        ConfigError: the builder takes other arguments, makes something else, or does not read the
            settings that it is given.
    """
    registry.check_takes(name, build, arguments)
    asked: set[str] = set()
    token = _ASKED.set(asked)
    try:
        made = build(*arguments.values())
    finally:
        _ASKED.reset(token)
    if isinstance(made, type) or not isinstance(made, contract):  # a class has its __call__ too
        message = (
            f"{registry.owner(name)} has to make a {contract.__name__}, made {in_brief(made)}: "
            "correct it in its package"
        )
        raise ConfigError(message)
    _check_read(registry, name, {} if config is None else config.parts, asked)
    return made


def _check_read(
    registry: Registry, name: str, tables: Mapping[str, object], asked: set[str]
) -> None:
    """Raise a ConfigError for settings of a part that has not asked for them."""
    if name in tables and name not in asked:
        message = f"[parts.{name}] is not read by {registry.owner(name)}: remove it"
        raise ConfigError(message)


def digests_of_foreign(registry: Registry, *names: str) -> dict[str, str]:
    """The digest of each part that another package brings, by its name, package and version.

    They stand in the manifest of a run: with another version the run is refused.
    """
    origins = {name: registry.origin(name) for name in names}
    return {origin: registry.digest(name) for name, origin in origins.items() if origin}
