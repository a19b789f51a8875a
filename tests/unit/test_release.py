"""What the files beside the code say of it."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_citation_and_the_changelog_name_the_version_of_the_project() -> None:
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    released = re.search(r"^## \[(\d.+)\] - ", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert cited is not None
    assert released is not None
    assert cited[1] == released[1] == PROJECT["version"]


def test_the_hooks_call_what_make_check_calls() -> None:
    check = re.search(r"^check: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert check is not None
    hooks = re.findall(r"entry: make (\w+)", (ROOT / ".pre-commit-config.yaml").read_text())
    assert hooks == check[1].split()


def test_every_room_stands_in_the_table_of_rooms() -> None:
    rooms = {p.stem for p in (ROOT / "align_da").iterdir() if p.suffix == ".py" or p.is_dir()}
    told = set(re.findall(r"`(\w+)`", (ROOT / "CONTRIBUTING.md").read_text()))
    assert rooms - told - {"__init__", "__pycache__", "resources", "py"} == set()
