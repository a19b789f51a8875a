"""Every experiment has its bounds, its line in the index, and results that keep the bounds."""

import gzip
import re
from pathlib import Path

import pytest

from experiments.check import EXPECTED, HERE, compare, names
from experiments.expected import Expected, read_expected
from experiments.recompute import SHOW
from experiments.results import scores_in

FOLDERS = sorted(path.parent.name for path in HERE.glob("*/README.md"))
NO_PROGRAM = {"era5"}  # configurations that nobody has run


@pytest.mark.parametrize("name", FOLDERS)
def test_the_index_links_every_experiment(name: str) -> None:
    lines = (HERE / "README.md").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.startswith(f"| [{name}]({name}/README.md) |")]) == 1


def test_every_experiment_with_a_program_has_expected_figures() -> None:
    assert {*names()} == {*FOLDERS} - NO_PROGRAM


@pytest.mark.parametrize("name", names())
def test_figures_that_were_seen_are_within_their_bounds_in_the_results_that_are_kept(
    name: str,
) -> None:
    expected = read_expected(HERE / name / EXPECTED)
    seen = tuple(figure for figure in expected.figures if figure.seen)
    rows = compare(Expected(expected.command, seen), HERE / name)
    assert [row.cells() for row in rows if not row.passed] == []


@pytest.mark.parametrize("name", names())
def test_an_expected_figure_says_where_it_comes_from(name: str) -> None:
    for figure in read_expected(HERE / name / EXPECTED).figures:
        page = figure.source.split(",")[0].split(":")[0]
        assert (HERE / name / page).is_file(), figure


def test_scores_that_are_kept_are_small_and_can_be_recomputed() -> None:
    kept = {name: scores_in(HERE / name) for name in FOLDERS}
    assert kept["lorenz"]
    for name, files in kept.items():
        assert not files or name in SHOW
        for path in files.values():
            assert path.stat().st_size < 200_000, path
            assert gzip.decompress(path.read_bytes())


ROOT = HERE.parent
PAGES = [*ROOT.glob("*.md"), *HERE.rglob("*.md"), ROOT / "data_pipelines" / "README.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


STARS = [page for page in PAGES if re.search(r"%[^|]* \*\)? ", page.read_text(encoding="utf-8"))]


def test_tables_with_stars_are_found() -> None:
    assert len(STARS) >= 6


@pytest.mark.parametrize("page", STARS, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_with_stars_says_how_its_intervals_were_made(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "README.md#intervals" in text or "independent ones, in blocks of" in text


def test_commands_of_the_index_are_modules() -> None:
    text = (HERE / "README.md").read_text(encoding="utf-8")
    modules = set(re.findall(r"python -m (experiments\.[\w.]+)", text))
    assert len(modules) > 10
    missing = [
        name
        for name in modules
        if not (ROOT / name.replace(".", "/")).with_suffix(".py").is_file()
    ]
    assert missing == []
