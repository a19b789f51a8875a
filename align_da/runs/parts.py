"""Parts of other packages in a run: their settings, and what tells that they are the same."""

from align_da.config import AnySection, Config, section_from_table
from align_da.registry import Registry


def settings_of(config: Config, name: str, section: type[AnySection]) -> AnySection:
    """The table [parts.name] of the configuration as the section that the part called name has.

    Raises:
        ConfigError: it is not such a section; says which key is wrong.
    """
    return section_from_table(section, config.parts.get(name, {}), ("parts", name))


def digests_of_foreign(registry: Registry, *names: str) -> dict[str, str]:
    """The digest of each part that another package brings, by its name, package and version.

    They stand in the manifest of a run: with another version the run is refused.
    """
    origins = {name: registry.origin(name) for name in names}
    return {origin: registry.digest(name) for name, origin in origins.items() if origin}
