"""The pages of the documentation, without what builds them: see docs/README.md."""

import ast
import importlib
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer

import align_da
from align_da.cli.application import app
from align_da.config import load_config
from align_da.observations import Flag
from align_da.registry import REGISTRIES
from data_pipelines.cli import app as data

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = DOCS / "pages"
MENU = re.findall(r"(\S+\.md)$", (DOCS / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
SOURCES = sorted([*PAGES.rglob("*.md"), *PAGES.rglob("*.py"), DOCS / "README.md"])
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]+))?\)")
TAKEN = {"reference/store.md": {"flags"}}
"""Headings that a page takes from the code, as links name them."""
Made = Callable[[str, str], str]


def name_of(page: Path) -> str:
    return str(page.relative_to(DOCS))


def text_of(page: Path) -> str:
    """The Markdown of a page; of a script its text between the code."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".md":
        return text
    cells = re.split(r"^(# %%.*)\n", text, flags=re.MULTILINE)[1:]
    told = [cell for head, cell in zip(cells[::2], cells[1::2], strict=True) if "[mark" in head]
    return re.sub(r"^# ?", "", "".join(told), flags=re.MULTILINE)


def code_of(page: Path) -> Iterator[str]:
    """Every block of Python of a page, those in the text of a script too."""
    if page.suffix == ".py":
        yield page.read_text(encoding="utf-8")
    yield from (textwrap.dedent(block) for block in BLOCK.findall(text_of(page)))


def headings_of(page: Path) -> set[str]:
    """What links may name of a page, as GitHub and MkDocs make it of headings."""
    found = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in found}
    return slugs | TAKEN.get(str(page.relative_to(PAGES)) if PAGES in page.parents else "", set())


def test_the_menu_names_pages_and_every_page_stands_in_it() -> None:
    there = {str(page.relative_to(PAGES).with_suffix(".md")) for page in SOURCES[1:]}
    assert SOURCES[0] == DOCS / "README.md"
    assert sorted(MENU) == sorted(there)


@pytest.mark.parametrize("page", SOURCES, ids=name_of)
def test_every_link_of_a_page_leads_to_a_file_and_a_heading(page: Path) -> None:
    lost = []
    for path, heading in LINK.findall(text_of(page)):
        if ":" in path:
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.is_file() or (heading and heading not in headings_of(target)):
            lost.append(f"{path}#{heading}")
    assert lost == []


@pytest.mark.parametrize("page", [p for p in SOURCES if [*code_of(p)]], ids=name_of)
def test_the_code_of_a_page_imports_what_there_is(page: Path) -> None:
    for code in code_of(page):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom):
                module = importlib.import_module(node.module or "")
                assert [it.name for it in node.names if not hasattr(module, it.name)] == []
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    importlib.import_module(alias.name)


@pytest.mark.parametrize("page", [p for p in SOURCES if [*code_of(p)]], ids=name_of)
def test_what_a_page_takes_from_align_da_is_offered(page: Path) -> None:
    taken = {name for code in code_of(page) for name in re.findall(r"\bda\.(\w+)", code)}
    assert [name for name in sorted(taken) if not hasattr(align_da, name)] == []


def commands_of(page: Path) -> set[tuple[str, str]]:
    """The words of every command of `align-da` that a page shows, on a line or in a sentence."""
    shown = r"(?:^[# ]*(?:srun )?|`)align-da ([a-z_-]+)(?: ([a-z_-]+))?"
    return set(re.findall(shown, page.read_text(encoding="utf-8"), re.MULTILINE))


def test_commands_of_the_pages_are_commands() -> None:
    def names(group: typer.Typer) -> set[str]:
        commands = [(it.name, it.callback) for it in group.registered_commands]
        return {name or run.__name__.replace("_", "-") for name, run in commands if run}

    known, of_data = names(app), names(data)
    shown = {command for page in SOURCES for command in commands_of(page)}
    assert len(shown) > 15
    assert {first for first, _ in shown} <= known | {"data"}
    assert {second for first, second in shown if first == "data"} <= of_data


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    """What pages take from the code: by the module of docs/hooks and its function."""
    monkeypatch.syspath_prepend(DOCS / "hooks")
    return lambda module, function: getattr(importlib.import_module(module), function)()


def test_the_reference_has_every_command_with_its_options(made: Made) -> None:
    text = made("reference_of_commands", "commands")
    titles = re.findall(r"^## align-da (.+)$", text, re.MULTILINE)
    words = {it.name or it.callback.__name__ for it in app.registered_commands if it.callback}
    assert {*titles} >= words | {"data truth", "data export-observations"}
    assert "| `--run`, `-r` | path | `runs/embedded_world` | Folder that holds" in text
    assert "| `--set` | text, several times | |" in text.replace("|  |", "| |")


def test_the_reference_has_every_name_of_the_library_once(made: Made) -> None:
    told = re.findall(r"^::: align_da\.api\.(\w+)$", made("reference_of_names", "names"), re.M)
    assert sorted(told) == sorted(align_da.api.__all__)
    assert "::: align_da.alignment.Reward" in made("reference_of_names", "rooms")


def test_the_reference_has_every_exit_code_and_every_part(made: Made) -> None:
    codes = re.findall(r"^\| (\d+) \|", made("reference_of_parts", "exit_codes"), re.MULTILINE)
    assert [int(code) for code in codes] == [0, 1, 2, 3, 4, 5, 6, 130, 143]
    parts = made("reference_of_parts", "parts")
    assert all(f"`{it.group}`" in parts for it in REGISTRIES)
    assert "| `letkf` | LETKF |" in parts
    assert re.search(r"\|  \|$", parts, re.MULTILINE) is None, "a part says nothing of itself"


def test_the_reference_of_stores_says_what_every_field_means(made: Made) -> None:
    text = made("reference_of_stores", "stores")
    assert "| `used_observations` | int32 |" in text
    assert f"| {Flag.BUDDY.value} | buddy |" in text


def test_keys_of_shown_configurations_are_keys(tmp_path: Path) -> None:
    """Blocks of TOML that are of a configuration; paths and packages need not be there."""
    shown = 0
    for page in SOURCES:
        for number, block in enumerate(
            re.findall(r"^```toml\n(.*?)^```", text_of(page), re.M | re.S)
        ):
            if "project.entry-points" in block or "[parts." in block:
                continue
            file = tmp_path / f"{page.stem}_{number}.toml"
            file.write_text(re.sub(r'^sha256 = "\.\.\.".*$', "", block, flags=re.M), "utf-8")
            load_config(file)
            shown += 1
    assert shown >= 4
