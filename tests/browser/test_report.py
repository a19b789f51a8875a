"""The report in a browser without a network, wide and narrow: `make test-browser`."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright
from synthetic_scores import run_and_scores

from align_da.stages.compose_report import compose_report
from align_da.verification.report import page as report_page
from align_da.verification.report.page import write_report

pytestmark = pytest.mark.browser
DRAWN = "window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].is_idle"
WIDE, NARROW = 1280, 420
RUNS = {
    "letkf": 1.0,
    "hybrid_gain": 0.95,
    "align_da": 0.8,
    "a_run_whose_name_is_long": 1.1,
    "and_another_one": 1.2,
}
MODELS = "[...Bokeh.documents[0]._all_models.values()]"
SOURCES = f"""() => {{
  const flat = (it) => typeof it === "object" && it !== null ? [...it].map(flat) : it;
  const told = (source) => Object.entries(source.data).map(([name, it]) => [name, flat(it)]);
  const sources = {MODELS}.filter((model) => model.type === "ColumnDataSource");
  return sources.map((source) => JSON.stringify(told(source)));
}}"""
FOCUSED = """() => {
  let it = document.activeElement;
  while (it?.shadowRoot?.activeElement) it = it.shadowRoot.activeElement;
  (window.reached ??= new Set()).add(it);
}"""
CHOICES = "select, input[type=checkbox]"


class Opened:
    """A page and everything that it complained of or asked for."""

    def __init__(self, browser: Browser, path: Path, width: int) -> None:
        self.page: Page = browser.new_page(viewport={"width": width, "height": 900})
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda told: self.complaints.append(told.text) if told.type == "error" else None,
        )
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_function(DRAWN)

    def select(self, title: str, place: str = "body") -> Locator:
        """The native select below a title."""
        return self.page.locator(place).get_by_label(title, exact=True).first

    def sources(self) -> list[str]:
        """What all charts show."""
        found: list[str] = self.page.evaluate(SOURCES)
        return found


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report_page, "to_png", lambda _: b"")  # drawn in seconds
        return write_report(compose_report(*run_and_scores(folder, RUNS, 12)), folder)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium")
    assert found, "expected a program chromium, found none: apt-get install chromium"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found)
        yield opened
        opened.close()


@pytest.fixture
def opened(browser: Browser, path: Path, request: pytest.FixtureRequest) -> Iterator[Opened]:
    found = Opened(browser, path, getattr(request, "param", WIDE))
    yield found
    found.page.close()
    assert found.complaints == []
    assert found.requests == [path.as_uri()]


@pytest.mark.parametrize("opened", [WIDE, NARROW], indirect=True)
def test_the_page_asks_nobody_and_is_no_wider_than_its_window(opened: Opened) -> None:
    assert opened.page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    assert opened.page.locator("canvas").count() > 20


@pytest.mark.parametrize(
    ("section", "title", "choice"),
    [
        ("Scores", "Variable", "T"),
        ("Scores", "Score", "CRPS of independent draws"),
        ("Forecasts", "Against", "observations"),
        ("Maps", "Variable", "T"),
        ("Maps", "Run", "align_da"),
        ("Reliability", "Product", "background"),
        ("Spectra", "Variable", "T"),
    ],
)
def test_what_is_chosen_is_shown(opened: Opened, section: str, title: str, choice: str) -> None:
    before = opened.sources()
    opened.select(title, f"section:has(h2:text-is('{section}'))").select_option(choice)
    opened.page.wait_for_timeout(200)
    assert opened.sources() != before


def test_levels_are_those_of_the_variable(opened: Opened) -> None:
    scores = "section:has(h2:text-is('Scores'))"
    levels = opened.select("Level", scores).locator("option")
    assert levels.all_text_contents() == ["troposphere", "σ 0.30", "σ 0.80"]
    opened.select("Variable", scores).select_option("p_s")
    opened.page.wait_for_timeout(200)
    assert levels.all_text_contents() == ["whole"]


def test_the_reference_of_the_words_and_tables_is_the_one_that_is_chosen(opened: Opened) -> None:
    words = opened.page.locator(".lead p:visible")
    assert "align_da is better than letkf" in " ".join(words.all_text_contents())
    opened.select("Reference").select_option("align_da")
    assert "letkf is worse than align_da" in " ".join(words.all_text_contents())
    shown = opened.page.locator("caption:visible").all_text_contents()
    assert "RMSE, analysis, compared with align_da" in shown
    assert "RMSE, analysis, compared with letkf" not in shown


def test_a_box_hides_a_run_in_every_chart(opened: Opened) -> None:
    drawn = f"{MODELS}.filter((it) => it.type === 'GlyphRenderer' && it.name === 'hybrid_gain')"
    visible = f"{drawn}.map((it) => it.visible)"
    assert all(opened.page.evaluate(visible))
    opened.page.get_by_role("checkbox", name="hybrid_gain").uncheck()
    assert not any(opened.page.evaluate(visible))


def test_a_click_on_a_head_sorts_a_table_by_numbers(opened: Opened) -> None:
    table = opened.page.locator("table:visible").first
    table.get_by_role("button", name="align_da").click()
    column = table.locator("tbody td:nth-child(5)").all_text_contents()
    numbers = [float(text.split()[0]) for text in column]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) > 1


def test_a_keyboard_reaches_every_choice(opened: Opened) -> None:
    choices = opened.page.locator(CHOICES).count()
    for _ in range(3 * choices + 60):  # tables and links lie between them
        opened.page.keyboard.press("Tab")
        opened.page.evaluate(FOCUSED)
    matching = f"[...reached].filter((it) => it.matches('{CHOICES}')).length"
    assert opened.page.evaluate(matching) == choices


def test_a_pointer_on_a_map_reads_all_fields_there(opened: Opened) -> None:
    maps = opened.page.locator("section:has(h2:text-is('Maps'))")
    maps.scroll_into_view_if_needed()
    box = maps.locator(".panels > div").nth(1).locator("canvas").first.bounding_box()
    assert box is not None
    opened.page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2)
    told = opened.page.locator(".bk-Tooltip").first
    for name in ("truth", "background", "analysis", "increment", "analysis error"):
        told.get_by_text(name, exact=True).wait_for()
    assert told.get_by_text("???").count() == 0
