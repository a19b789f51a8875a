"""Lists what a configuration can name, and which of it cannot be used."""

from dataclasses import dataclass

from align_da.errors import ConfigError
from align_da.registry import REGISTRIES, Registry

_UNUSABLE = "CANNOT BE USED"


@dataclass(frozen=True)
class FoundParts:
    """What is installed.

    Attributes:
        text: a line a part, below a line a registry.
        usable: whether every part can be imported.
    """

    text: str
    usable: bool


def list_parts() -> FoundParts:
    """The parts of every registry; those of other packages are imported."""
    lines, faults = [], []
    for registry in REGISTRIES:
        lines.append(f"{registry.what} ({registry.group})")
        for name in registry.names:
            fault = _fault_of(registry, name)
            faults += fault
            package = registry.package(name)
            whose = f"   ({package})" if package else ""
            lines.append(": ".join([f"  {name}{whose}", *fault]))
        unsound = [f"{_UNUSABLE}: {what}" for what in registry.unsound]
        faults += unsound
        lines += [f"  {fault}" for fault in unsound]
    return FoundParts("\n".join(lines), not faults)


def _fault_of(registry: Registry, name: str) -> list[str]:
    """Why a part of another package cannot be used; empty where it can."""
    try:
        if registry.package(name):
            registry.load(name)
    except ConfigError as error:
        return [f"{_UNUSABLE}: {error}"]
    return []
