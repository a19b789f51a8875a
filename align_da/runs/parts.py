"""Parts of other packages in a run: their settings, and what tells that they are the same."""

from collections.abc import Mapping
from typing import Any

from align_da.config import Config
from align_da.registry import Registry


def settings_of(config: Config, name: str) -> Mapping[str, Any]:
    """The table [parts.name] of the configuration; empty where there is none."""
    return config.parts.get(name, {})


def digests_of_foreign(registry: Registry, *names: str) -> dict[str, str]:
    """The digest of each part that another package brings, by its name, package and version.

    They stand in the manifest of a run: with another version the run is refused.
    """
    origins = {name: registry.origin(name) for name in names}
    return {origin: registry.digest(name) for name, origin in origins.items() if origin}
