"""Files are opened by an engine that is named.

xarray would guess one, and to do so import every package that brings one, for a second.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("align_da", "data_pipelines", "experiments")
GUESSING = {"open_dataset", "open_dataarray", "open_datatree", "open_groups", "open_mfdataset"}
GUESSING |= {"load_dataset", "load_dataarray"}


def modules() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def guesses_in(source: str) -> Iterator[int]:
    """Lines of calls that leave the engine to xarray."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            named = {keyword.arg for keyword in node.keywords}
            if node.func.attr in GUESSING and "engine" not in named:
                yield node.lineno


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_engine_is_left_to_be_guessed(path: Path) -> None:
    assert list(guesses_in(path.read_text())) == []


def test_a_guess_is_found() -> None:
    assert list(guesses_in("xr.open_dataset(path)\nxr.open_dataset(path, engine='netcdf4')")) == [
        1
    ]
