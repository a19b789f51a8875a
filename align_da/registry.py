"""Parts that are chosen by name: forecast models, analyses, rewards and the like.

A part is an entry point of an installed distribution, ours or another's, in the group of its
contract (`[project.entry-points."align_da.rewards"]` in pyproject.toml). Names are known without
importing anything; a part is imported when it is used. What is not installed does not exist:
nothing is ever imported by a name that a configuration or a run folder spells. Nor is there a part
whose entry point is none: `Registry.unsound` tells of those.
"""

import difflib
import hashlib
import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distributions, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from align_da.checks import in_brief
from align_da.errors import ConfigError

OURS = "align-da"
"""The distribution whose parts need no digest: the version of the code stands for them."""
_NAME = re.compile(r"\w[\w.-]*", re.ASCII)
_PLACE = re.compile(r"[a-zA-Z_]\w*(\.[a-zA-Z_]\w*)*:[a-zA-Z_]\w*(\.[a-zA-Z_]\w*)*", re.ASCII)


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
        has_settings: whether its builder is given the configuration, with a table [parts.name].
    """

    group: str
    what: str
    builds: bool = True
    has_settings: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, our own first, in the order of their declaration."""
        return tuple(_installed(self.group))

    @property
    def unsound(self) -> tuple[str, ...]:
        """What is declared as a part and is none: with what is wrong and whose it is."""
        return tuple(
            f"{point.name!r} of {_distribution(point)}: expected a name of letters, digits, '_', "
            f"'-' and '.' and a place module:attribute, got {point.value!r}"
            for point in _declared(self.group)
            if not _is_sound(point)
        )

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
                f"{self.owner(name)} cannot be imported "
                f"({error!r}): install what it needs, or another version of it"
            )
            raise ConfigError(message) from error
        if self.builds and not callable(part):
            message = (
                f"{self.owner(name)} is no function that builds one, but {in_brief(part)}: "
                f"correct {point.value!r} in its package"
            )
            raise ConfigError(message)
        return part

    def check_takes(self, name: str, build: Callable[..., Any], arguments: Iterable[str]) -> None:
        """Refuse a builder that cannot be called with these arguments, before it is.

        Args:
            name: of the part.
            build: its builder.
            arguments: what it is given, in order.

        Raises:
            ConfigError: it takes others.
        """
        try:
            signature = inspect.signature(build)
        except ValueError:  # of a function that is not written in Python
            return
        given = list(arguments)
        try:
            signature.bind(*given)
        except TypeError as error:
            message = (
                f"{self.owner(name)} is given ({', '.join(given)}) and takes {signature}: correct "
                "it in its package"
            )
            raise ConfigError(message) from error

    def owner(self, name: str) -> str:
        """What `name` is and whose, be it ours, for messages."""
        return f"the {self.what} {name!r} of {_distribution(_installed(self.group)[name])}"

    def origin(self, name: str) -> str | None:
        """What `name` is and whose: "reward dry of some-package 1.0"; None for our own.

        Raises:
            ConfigError: there is no such part.
        """
        package = self.package(name)
        return None if package is None else f"{self.what} {name} of {package}"

    def package(self, name: str) -> str | None:
        """Name and version of the distribution that brings `name`; None for our own.

        Raises:
            ConfigError: two distributions bring parts of one name.
        """
        point = _installed(self.group).get(name)
        return None if point is None or _is_ours(point) else _distribution(point)

    def digest(self, name: str) -> str:
        """SHA-256 of every Python file of the package that brings the part called `name`."""
        return _digest_of_package(_package(_installed(self.group)[name].module))


@cache
def _installed(group: str) -> Mapping[str, InstalledPart]:
    """The parts of a group by name.

    Raises:
        ConfigError: two distributions bring parts of one name.
    """
    found: dict[str, InstalledPart] = {}
    for point in sorted(_sound(group), key=lambda point: not _is_ours(point)):
        other = found.setdefault(point.name, point)
        if other.value != point.value:
            message = (
                f"{_distribution(other)} and {_distribution(point)} both bring {point.name!r} "
                f"({group}): uninstall one of them"
            )
            raise ConfigError(message)
    return found


def _declared(group: str) -> list[Any]:
    """The entry points of a group, sound or not: of garbage some properties raise.

    One distribution whose file of entry points cannot be read makes that of all others unread
    too: then each is asked for its own.
    """
    try:
        return list(entry_points(group=group))
    except _UNREADABLE:
        return [
            point
            for distribution in distributions()
            for point in _readable(distribution)
            if point.group == group
        ]


_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, OSError)
"""What importlib.metadata raises for files that are not as they should be."""


def _readable(distribution: Any) -> Iterable[Any]:  # noqa: ANN401 (of either library)
    """The entry points of a distribution; none where they cannot be read."""
    try:
        return list(distribution.entry_points)
    except _UNREADABLE:
        return []


def _sound(group: str) -> list[InstalledPart]:
    """The entry points of a group that are parts."""
    return [point for point in _declared(group) if _is_sound(point)]


def _is_sound(point: Any) -> bool:  # noqa: ANN401 (see `_declared`)
    """Whether an entry point has a name that can be written and a place that can be imported."""
    return bool(_NAME.fullmatch(point.name) and _PLACE.fullmatch(point.value))


def _is_ours(point: InstalledPart) -> bool:
    """Whether Align-DA itself brings the part."""
    return point.dist is not None and point.dist.name == OURS


def _distribution(point: Any) -> str:  # noqa: ANN401 (see `_declared`)
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
    try:
        spec = find_spec(package)
    except ValueError:  # of what was made by hand
        spec = None
    if spec is None or spec.origin is None:
        message = f"the package {package!r} has no files that could be told apart: install it anew"
        raise ConfigError(message)
    digest = hashlib.sha256()
    for place in map(Path, spec.submodule_search_locations or [spec.origin]):
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(file.relative_to(place.parent).as_posix().encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


FORECAST_MODELS = Registry("align_da.forecast_models", "forecast model", has_settings=True)
ANALYSES = Registry("align_da.analyses", "analysis method", builds=False, has_settings=True)
GUIDANCES = Registry("align_da.guidances", "guidance")
SAMPLERS = Registry("align_da.samplers", "sampler")
REWARDS = Registry("align_da.rewards", "reward", has_settings=True)
OBJECTIVES = Registry("align_da.objectives", "objective")
OBSERVATION_OPERATORS = Registry("align_da.observation_operators", "observation operator")
STATE_VARIABLES = Registry("align_da.variables", "state variable", builds=False)
COMMANDS = Registry("align_da.commands", "group of commands")

REGISTRIES = (
    *(FORECAST_MODELS, ANALYSES, GUIDANCES, SAMPLERS),
    *(REWARDS, OBJECTIVES, OBSERVATION_OPERATORS, STATE_VARIABLES),
)


def foreign_part_of(modules: Sequence[str]) -> str:
    """The part of another package in which modules have called each other, for messages.

    Args:
        modules: names, the innermost first; the part is of the package of that one.

    Returns:
        Such as "the reward 'dry' of some-package 1.0", or a part of some-package and all that it
        brings where nothing tells which is meant; empty where the innermost is of no such package.
    """
    package = _package(modules[0])
    places = [(kind, point) for kind in (*REGISTRIES, COMMANDS) for point in _sound(kind.group)]
    if any(_is_ours(point) and _package(point.module) == package for _, point in places):
        return ""
    brought = [place for place in places if _package(place[1].module) == package]
    if not brought:
        return ""
    alike = ([place for place in brought if place[1].module == module] for module in modules)
    meant = next(filter(None, alike), brought)
    kind, point = meant[0]
    if len(meant) == 1:
        return f"the {kind.what} {point.name!r} of {_distribution(point)}"
    names = ", ".join(f"{kind.what} {point.name!r}" for kind, point in meant)
    return f"a part of {_distribution(point)} ({names})"


def _package(module: str) -> str:
    """The package that a module lies in."""
    return module.partition(".")[0]
