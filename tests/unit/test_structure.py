"""Imports point from later rooms to earlier ones."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = (
    ("constants", "digests", "errors", "checks", "environment", "keys", "registry"),
    ("atmosphere", "config", "mixed_precision"),
    ("parallel", "forecast", "observations", "autoencoder", "diffusion"),
    ("guidance",),
    ("prior",),
    ("assimilation", "alignment"),
    ("storage", "training", "cycling", "verification"),
    ("runs",),
    ("stages",),
    ("api",),
    ("terminal",),
    ("cli", "earth2studio"),
)
ROOMS = [room for layer in LAYERS for room in layer]
UNPACKING = {"config", "runs", "stages", "terminal", "cli", "earth2studio"}
"""Rooms that see a section of the configuration; all others take plain arguments."""


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported_rooms(path: Path, package: str = "align_da") -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = (
                [f"{package}.{alias.name}" for alias in node.names]
                if node.module == package
                else [node.module]
            )
        found |= {name.split(".")[1] for name in names if name.startswith(f"{package}.")}
    return found


def room_of(path: Path) -> str:
    return path.relative_to(ROOT / "align_da").with_suffix("").parts[0]


@pytest.mark.parametrize("path", modules("align_da"), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_to_earlier_rooms_only(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        assert imported_rooms(path) == {"api"}
        return
    later = {other for other in imported_rooms(path) if ROOMS.index(other) > ROOMS.index(room)}
    assert later == set()


@pytest.mark.parametrize("room", sorted(set(ROOMS) - UNPACKING))
def test_below_runs_no_function_knows_a_section_of_the_configuration(room: str) -> None:
    files = [path for path in modules("align_da") if room_of(path) == room]
    assert files
    assert [path for path in files if "config" in imported_rooms(path)] == []


@pytest.mark.parametrize("path", modules("align_da/storage"), ids=lambda p: p.name)
def test_storage_knows_only_the_lowest_layers(path: Path) -> None:
    assert imported_rooms(path) <= {*LAYERS[0], *LAYERS[1], "storage"}


@pytest.mark.parametrize("path", modules("align_da"), ids=lambda p: str(p.relative_to(ROOT)))
def test_the_package_never_imports_pipelines_or_experiments(path: Path) -> None:
    assert imported_rooms(path, "data_pipelines") == set()
    assert imported_rooms(path, "experiments") == set()


def test_what_is_offered_needs_no_command_and_no_work_of_a_stage() -> None:
    assert imported_rooms(ROOT / "align_da" / "api.py").isdisjoint({"cli", "stages"})


@pytest.mark.parametrize("path", modules("align_da/cli"), ids=lambda p: p.name)
def test_the_command_line_is_a_shell_over_the_stages(path: Path) -> None:
    assert imported_rooms(path) <= {
        *("cli", "config", "environment", "errors"),
        *("parallel", "stages", "storage", "terminal"),
    }


@pytest.mark.parametrize(
    "path",
    [*modules("experiments"), *modules("data_pipelines"), *modules("align_da/earth2studio")],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_nothing_is_built_upon_the_command_line(path: Path) -> None:
    assert "cli" not in imported_rooms(path)
