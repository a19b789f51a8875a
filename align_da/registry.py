"""Parts that are chosen by name: forecast models, analyses, rewards and the like.

A part is an entry point of an installed distribution, ours or another's, in the group of its
contract (`[project.entry-points."align_da.rewards"]` in pyproject.toml). Names are known without
importing anything; a part is imported when it is used. What is not installed does not exist:
nothing is ever imported by a name that a configuration or a run folder spells.
"""

import difflib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from align_da.errors import ConfigError

OURS = "align-da"
"""The distribution whose parts need no digest: the version of the code stands for them."""


@runtime_checkable
class InstalledPart(Protocol):
    """An entry point, be it of the standard library or of a package that takes its place."""

    @property
    def name(self) -> str:
        """What a configuration calls the part."""
        ...

    @property
    def value(self) -> str:
        """Where it lies: "module:attribute"."""
        ...

    @property
    def module(self) -> str:
        """The module of `value`."""
        ...

    @property
    def dist(self) -> Any:  # noqa: ANN401 (a distribution with name and version, or None)
        """The distribution that brings it."""
        ...

    def load(self) -> Any:  # noqa: ANN401 (what its contract says)
        """Import it."""
        ...


@dataclass(frozen=True)
class Registry:
    """The installed parts of one contract.

    Attributes:
        group: of their entry points.
        what: one of them, for messages.
        builds: whether a part is a function, and not an object.
    """

    group: str
    what: str
    builds: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, our own first, in the order of their declaration."""
        return tuple(_installed(self.group))

    def checked(self, name: str) -> str:
        """`name`, if there is such a part.

        Raises:
            ValueError: there is none; pydantic makes an error of the configuration of it.
        """
        names = self.names
        if name not in names:
            nearest = difflib.get_close_matches(name[:100], names, n=1, cutoff=0.6)
            hint = f"did you mean {nearest[0]!r}? " if nearest else ""
            message = (
                f"{hint}no {self.what} of this name is installed: expected one of "
                f"{', '.join(names)}, or the package that brings it ({self.group})"
            )
            raise ValueError(message)
        return name

    def load(self, name: str) -> Any:  # noqa: ANN401 (what its contract says)
        """The part called `name`.

        Raises:
            ConfigError: there is none, its package cannot be imported, or it is no function.
        """
        try:
            point = _installed(self.group)[self.checked(name)]
        except ValueError as error:
            message = f"{name!r}: {error}"
            raise ConfigError(message) from error
        try:
            part = point.load()
        except (Exception, SystemExit) as error:
            message = (
                f"the {self.what} {name!r} of {_distribution(point)} cannot be imported "
                f"({error!r}): install what it needs, or another version of it"
            )
            raise ConfigError(message) from error
        if self.builds and not callable(part):
            message = (
                f"the {self.what} {name!r} of {_distribution(point)} is no function that builds "
                f"one, but {part!r}: correct {point.value!r} in its package"
            )
            raise ConfigError(message)
        return part

    def origin(self, name: str) -> str | None:
        """What `name` is and whose: "reward dry of some-package 1.0"; None for our own.

        Raises:
            ConfigError: there is no such part.
        """
        point = _installed(self.group).get(name)
        if point is None or _is_ours(point):
            return None
        return f"{self.what} {name} of {_distribution(point)}"

    def digest(self, name: str) -> str:
        """SHA-256 of every Python file of the package that brings the part called `name`."""
        return _digest_of_package(_installed(self.group)[name].module.partition(".")[0])


@cache
def _installed(group: str) -> Mapping[str, InstalledPart]:
    """The parts of a group by name.

    Raises:
        ConfigError: two distributions bring parts of one name.
    """
    found: dict[str, InstalledPart] = {}
    for point in sorted(entry_points(group=group), key=lambda point: not _is_ours(point)):
        other = found.setdefault(point.name, point)
        if other.value != point.value:
            message = (
                f"{_distribution(other)} and {_distribution(point)} both bring {point.name!r} "
                f"({group}): uninstall one of them"
            )
            raise ConfigError(message)
    return found


def _is_ours(point: InstalledPart) -> bool:
    """Whether Align-DA itself brings the part."""
    return point.dist is not None and point.dist.name == OURS


def _distribution(point: InstalledPart) -> str:
    """Name and version of the distribution that brings the part."""
    if point.dist is None:
        return "an unknown package"
    return f"{point.dist.name} {point.dist.version}"


@cache
def _digest_of_package(package: str) -> str:
    """SHA-256 of the Python files of a package or module that is installed.

    Raises:
        ConfigError: it has no files.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        message = f"the package {package!r} has no files that could be told apart: install it anew"
        raise ConfigError(message)
    digest = hashlib.sha256()
    for place in map(Path, spec.submodule_search_locations or [spec.origin]):
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(file.relative_to(place.parent).as_posix().encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


FORECAST_MODELS = Registry("align_da.forecast_models", "forecast model")
ANALYSES = Registry("align_da.analyses", "analysis method", builds=False)
GUIDANCES = Registry("align_da.guidances", "guidance")
SAMPLERS = Registry("align_da.samplers", "sampler")
REWARDS = Registry("align_da.rewards", "reward")
OBJECTIVES = Registry("align_da.objectives", "objective")
OBSERVATION_OPERATORS = Registry("align_da.observation_operators", "observation operator")
STATE_VARIABLES = Registry("align_da.variables", "state variable", builds=False)

REGISTRIES = (
    *(FORECAST_MODELS, ANALYSES, GUIDANCES, SAMPLERS),
    *(REWARDS, OBJECTIVES, OBSERVATION_OPERATORS, STATE_VARIABLES),
)
