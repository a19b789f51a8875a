import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from align_da.errors import InputError
from align_da.verification.rank_histogram_chart import rank_histogram_chart
from align_da.verification.report.page import (
    HtmlReport,
    Paragraph,
    ReportFigure,
    ReportTable,
    Section,
    render_report,
    report_figure,
    write_report,
)


def _report(name: str = "ranks", *, twice: bool = False) -> HtmlReport:
    figure = report_figure(
        name, "Ranks <b>of</b> the truth", rank_histogram_chart({"a": np.asarray([1, 2])}, "T")
    )
    table = ReportTable(
        "Scores", pd.DataFrame({"variable": ["<u>", "T"], "mean": [1.23456, None]})
    )
    return HtmlReport(
        "Align-DA & friends",
        lead=[Paragraph("One is better."), Paragraph("Other words.", "b")],
        reference="a",
        sections=[
            Section("What was run", "First.\n\nSecond.", tables=[table]),
            Section("Figures", figures=[figure], beside=[figure] if twice else []),
        ],
        footer="configuration 0123abcd",
    )


class _Balance(HTMLParser):
    """Checks that every element is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "img", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_report_needs_no_network() -> None:
    html = render_report(_report())
    assert not re.search(r"(?i)https?:|@import|url\(|<script [^>]*src|<link|<iframe", html)
    assert "default-src 'none'" in html, "a browser may ask other addresses"
    sources = re.findall(r'src="([^"]*)"', html)
    assert sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert all(target.startswith("#section-") for target in re.findall(r'href="([^"]*)"', html))


def test_the_report_is_well_formed_and_says_everything() -> None:
    html = render_report(_report())
    parser = _Balance()
    parser.feed(html)
    assert not parser.open
    expected = ("One is better.", "What was run", "<p>Second.</p>", "1.235", "—", "0123abcd")
    assert all(text in html for text in expected)


def test_words_of_another_reference_are_hidden_at_first() -> None:
    html = render_report(_report())
    assert '<p data-reference="b" hidden>Other words.</p>' in html
    assert "<p>One is better.</p>" in html


def test_text_is_escaped() -> None:
    html = render_report(_report())
    assert "Align-DA &amp; friends" in html
    assert "&lt;u&gt;" in html
    assert "<b>" not in html


def test_writing_leaves_the_page_and_its_figures_in_the_folder(tmp_path: Path) -> None:
    path = write_report(_report(), tmp_path / "report")
    assert path.read_text(encoding="utf-8") == render_report(_report())
    assert (path.parent / "ranks.png").read_bytes().startswith(b"\x89PNG")


def test_figure_names_are_plain_and_unique(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="letters, digits"):
        ReportFigure("../maps", "", b"")
    with pytest.raises(InputError, match="ranks came twice"):
        write_report(_report(twice=True), tmp_path)
