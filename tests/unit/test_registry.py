"""Parts by name."""

from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

import align_da.registry as room
from align_da.atmosphere.variables import VARIABLES, variable_named
from align_da.errors import ConfigError
from align_da.registry import FORECAST_MODELS, REGISTRIES, STATE_VARIABLES, Registry

GOOD = "[align_da.tested]\nloads = json:loads\n"


class Distribution:
    """What an entry point tells of the distribution that brings it."""

    version = "1.0"

    def __init__(self, name: str) -> None:
        self.name = name


def entry(name: str, value: str, distribution: str) -> EntryPoint:
    point = EntryPoint(name, value, "align_da.tested")
    vars(point)["dist"] = Distribution(distribution)
    return point


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    points = EntryPoints(
        [
            entry("loads", "json:loads", "some-package"),
            entry("ours", "json:dumps", "align-da"),
            entry("broken", "no_such_module:part", "some-package"),
        ]
    )
    monkeypatch.setattr(room, "entry_points", lambda group: points)
    room._installed.cache_clear()
    yield Registry("align_da.tested", "tested part")
    room._installed.cache_clear()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("", "json:loads"),
        (" ", "json:loads"),
        ("two words", "json:loads"),
        ("\x1b[31mred", "json:loads"),
        ("new\nline", "json:loads"),
        ("part", ""),
        ("part", "json"),
        ("part", "json:"),
        ("part", "json loads"),
        ("part", "json:loads; import os"),
        ("part", "../json:loads"),
    ],
)
def test_an_entry_point_that_is_none_is_no_part_and_is_told(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    points = [entry(name, value, "some-package"), entry("whole", "json:loads", "some-package")]
    monkeypatch.setattr(room, "entry_points", lambda group: EntryPoints(points))
    room._installed.cache_clear()
    registry = Registry("align_da.tested", "tested part")
    assert registry.names == ("whole",)
    (told,) = registry.unsound
    assert told.startswith(f"{name!r} of some-package 1.0: expected a name of letters")
    room._installed.cache_clear()


def test_one_package_that_is_damaged_leaves_the_parts_of_all_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, content in {"bad": "[align_da.tested]\nno equals\n", "good": GOOD}.items():
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(content)
    monkeypatch.syspath_prepend(str(tmp_path))
    room._installed.cache_clear()
    registry = Registry("align_da.tested", "tested part")
    assert registry.names == ("loads",)
    assert registry.origin("loads") == "tested part loads of good 1.0"
    assert "jcm" in FORECAST_MODELS.names
    room._installed.cache_clear()


def test_a_package_whose_variable_has_the_name_of_one_of_ours_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    points = EntryPoints([entry("temperature", "json:loads", "some-package")])
    monkeypatch.setattr(room, "entry_points", lambda group: points)
    room._installed.cache_clear()
    with pytest.raises(ConfigError, match=r"'temperature' of some-package 1\.0 has the name"):
        variable_named("temperature")
    with pytest.raises(ConfigError, match="give it another"):
        list(VARIABLES)
    room._installed.cache_clear()


@pytest.mark.parametrize("kind", REGISTRIES, ids=lambda kind: kind.group)
def test_every_part_of_ours_can_be_loaded(kind: Registry) -> None:
    assert kind.names or kind is STATE_VARIABLES
    for name in kind.names:
        assert kind.load(name) is not None


def test_our_own_parts_come_first_and_have_no_origin(registry: Registry) -> None:
    assert registry.names == ("ours", "loads", "broken")
    assert registry.origin("ours") is None
    assert registry.origin("loads") == "tested part loads of some-package 1.0"


def test_an_unknown_name_is_told_with_the_nearest_and_all_that_there_are(
    registry: Registry,
) -> None:
    with pytest.raises(ConfigError, match=r"'load'.*did you mean 'loads'.*ours, loads, broken"):
        registry.load("load")


def test_nothing_is_imported_by_a_name_that_is_no_part(registry: Registry) -> None:
    for name in ("json:loads", "os.system", "json", ""):
        with pytest.raises(ConfigError, match="no tested part of this name"):
            registry.load(name)


def test_a_part_that_cannot_be_imported_is_named_with_its_package(registry: Registry) -> None:
    with pytest.raises(ConfigError, match=r"'broken' of some-package 1\.0 cannot be imported"):
        registry.load("broken")


@pytest.mark.parametrize("failure", [SystemExit(0), SyntaxError("bad"), ValueError("worse")])
def test_whatever_a_package_does_when_it_is_imported_is_told(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    def fail(_: EntryPoint) -> None:
        raise failure

    monkeypatch.setattr(EntryPoint, "load", fail)
    with pytest.raises(ConfigError, match=r"'loads' of some-package 1\.0 cannot be imported"):
        registry.load("loads")


def test_a_part_that_is_no_function_is_refused(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EntryPoint, "load", lambda _: 5)
    with pytest.raises(ConfigError, match=r"'loads' of some-package 1\.0 is no function.*5"):
        registry.load("loads")


def test_two_packages_with_a_part_of_one_name_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    points = [entry("part", "json:loads", "one"), entry("part", "json:dumps", "other")]
    monkeypatch.setattr(room, "entry_points", lambda group: EntryPoints(points))
    room._installed.cache_clear()
    with pytest.raises(ConfigError, match=r"one 1\.0 and other 1\.0 both bring 'part'"):
        _ = Registry("align_da.tested", "tested part").names
    room._installed.cache_clear()


def test_the_digest_follows_every_file_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "digested_package"
    package.mkdir()
    (package / "__init__.py").write_text("PART = 1\n")
    (package / "more.py").write_text("MORE = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    first = room._digest_of_package.__wrapped__("digested_package")
    (package / "more.py").write_text("MORE = 2\n")
    assert room._digest_of_package.__wrapped__("digested_package") != first
