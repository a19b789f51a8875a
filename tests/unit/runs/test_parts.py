"""How parts are built: what is wrong with one is told with its name and its package."""

from importlib.metadata import EntryPoint, EntryPoints

import pytest

import align_da.registry as room
from align_da.config import Config, Section, config_from_table
from align_da.errors import ConfigError
from align_da.registry import Registry
from align_da.runs.parts import built, settings_of

GROUP = "align_da.rewards"


class Wet(Section):
    """The table [parts.wet]."""

    rain: float = 1.0


class Distribution:
    """That of the part of the tests."""

    name = "some-package"
    version = "1.0"


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Rewards, of which "wet" is the only one that comes from a package."""
    ours = list(room.entry_points(group=GROUP))
    point = EntryPoint("wet", "json:dumps", GROUP)
    vars(point)["dist"] = Distribution
    found = room.entry_points
    monkeypatch.setattr(
        room,
        "entry_points",
        lambda group: EntryPoints([*ours, point]) if group == GROUP else found(group=group),
    )
    room._installed.cache_clear()
    yield room.REWARDS
    room._installed.cache_clear()


def config(**parts: object) -> Config:
    return config_from_table({"parts": parts})


def test_a_builder_is_given_its_arguments_in_their_order(registry: Registry) -> None:
    made = built(registry, "wet", lambda a, b: (a, b), tuple, None, first=1, config=2)
    assert made == (1, 2)


@pytest.mark.parametrize(
    "build", [lambda: 1, lambda a: 1, lambda a, b, c: 1, lambda a, *, b: 1, lambda **b: 1]
)
def test_a_builder_of_other_arguments_is_told_and_not_called(
    registry: Registry, build: object
) -> None:
    told = r"'wet' of some-package 1.0 is given \(first, second\) and takes \("
    with pytest.raises(ConfigError, match=told):
        built(registry, "wet", build, int, None, first=1, second=2)


def test_an_error_within_a_builder_is_no_matter_of_its_arguments(registry: Registry) -> None:
    def fail(first: int) -> None:
        raise TypeError(first)

    with pytest.raises(TypeError, match="5"):
        built(registry, "wet", fail, int, None, first=5)


@pytest.mark.parametrize("made", [None, "reward", 1.5])
def test_a_builder_that_makes_something_else_is_told(registry: Registry, made: object) -> None:
    with pytest.raises(ConfigError, match=r"'wet' of some-package 1.0 has to make a int, made "):
        built(registry, "wet", lambda: made, int, None)


def test_settings_that_a_part_does_not_read_are_refused(registry: Registry) -> None:
    settings = config(wet={"rain": 2.0})
    with pytest.raises(ConfigError, match=r"\[parts.wet\] is not read by the reward 'wet'"):
        built(registry, "wet", lambda: 1, int, settings)
    read = built(registry, "wet", lambda: settings_of(settings, "wet", Wet), Wet, settings)
    assert read.rain == 2.0
    assert built(registry, "wet", lambda: 1, int, config()) == 1


@pytest.mark.parametrize("name", ["accuracy", "heun", "jfps", "dpo", "interpolation", "letkf"])
def test_settings_of_a_part_that_can_read_none_are_refused(registry: Registry, name: str) -> None:
    with pytest.raises(ConfigError, match=rf"\[parts.{name}\] would not be read by .*remove it"):
        config(**{name: {"strength": 1.0}})


def test_settings_of_no_part_are_refused(registry: Registry) -> None:
    with pytest.raises(ConfigError, match="is of no part that is installed"):
        config(dry={})
