"""The report of synthetic scores: what it says, what can be chosen, and how light it stays."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bokeh.models import Select
from synthetic_scores import run_and_scores

from align_da.atmosphere import Layout, periodic_line
from align_da.stages.compose_report import compose_report
from align_da.verification.report import page
from align_da.verification.report.page import HtmlReport, render_report

LIGHT = 15_000_000  # bytes
HOSTILE = "</script><b>"
ERRORS = {HOSTILE: 1.5, "letkf": 1.0, "align_da": 0.8}


@pytest.fixture(autouse=True, scope="module")
def _no_pictures() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page, "to_png", lambda _: b"")  # drawn in seconds
        yield


def report_of(folder: Path, errors: dict[str, float], cycles: int = 12) -> HtmlReport:
    return compose_report(*run_and_scores(folder, errors, cycles))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> HtmlReport:
    return report_of(tmp_path_factory.mktemp("run"), ERRORS)


@pytest.fixture(scope="module")
def text(report: HtmlReport) -> str:
    return render_report(report)


@pytest.fixture(scope="module")
def lacking(tmp_path_factory: pytest.TempPathFactory) -> HtmlReport:
    """A report in which one run lacks reports, and its cost."""
    errors = {"letkf": 1.0, "before": 0.8}
    run, (first, second) = run_and_scores(tmp_path_factory.mktemp("run"), errors, 12)
    departure = second.rows["score"] == "departure"
    rows = second.rows[~departure | (np.arange(len(departure)) % 2 == 0)]
    return compose_report(run, [first, replace(second, rows=rows, cost=None)])


@pytest.mark.long
def test_of_a_thousand_cycles_of_four_runs_the_page_stays_light(tmp_path: Path) -> None:
    errors = {"free_run": 1.5, "three_d_var": 1.2, "letkf": 1.0, "align_da": 0.8}
    text = render_report(report_of(tmp_path, errors, 1000))
    assert len(text.encode()) < LIGHT
    assert "align_da is better than free_run" in text


def test_equal_scores_make_equal_pages(text: str, tmp_path: Path) -> None:
    assert render_report(report_of(tmp_path, ERRORS)) == text


def test_every_pair_is_compared_and_each_run_can_be_the_reference(report: HtmlReport) -> None:
    told = {(it.reference, it.text.split()[0]) for it in report.lead if it.reference}
    assert told == {(old, new) for old in ERRORS for new in ERRORS if old != new}
    reference = next(it for it in report.controls if isinstance(it, Select))
    assert reference.options == list(ERRORS)


def test_a_report_of_a_ring_speaks_of_no_sphere_and_draws_lines(tmp_path: Path) -> None:
    ring = Layout(periodic_line(36), ("lorenz_96",))
    report = compose_report(*run_and_scores(tmp_path, {"letkf": 1.0, "align_da": 0.8}, 4, ring))
    assert "are averaged over all points. Changes" in report.sections[0].text
    words = ("degrees", "tropics", "surface", "globe", ", </", ", ,")
    page = re.sub(r"<(script|style).*?</\1>", "", render_report(report), flags=re.DOTALL)
    assert [it for it in words if it in page] == []
    charts = [chart for section in report.sections for chart in section.charts]
    (place,) = (chart for chart in charts if chart.title == "By place")
    assert [panel.title.text for panel in place.panels] == ["By distance to an observation"]
    axes = [axis.axis_label or "" for chart in charts for it in chart.panels for axis in it.yaxis]
    assert [label for label in axes if label.endswith(", ")] == []
    (states,) = (it for it in report.sections if it.title == "States")
    (lines,) = states.charts
    assert [it.value for it in lines.controls][2:] == ["x", "level 1"]
    assert {it.xaxis[0].axis_label for it in lines.panels} == {"index of the point"}


def test_a_report_of_the_sphere_says_over_which_levels_errors_are_averaged(
    report: HtmlReport,
) -> None:
    told = "averaged by area and over the levels at and below 0.2 of the surface pressure."
    assert told in report.sections[0].text


def test_names_of_runs_cannot_end_the_script(text: str) -> None:
    assert HOSTILE not in text


def test_settings_in_which_runs_differ_come_first(report: HtmlReport) -> None:
    differing, everything = report.sections[-1].tables
    assert set(differing.frame["key"]) == {"seed", "cycle.method"}
    assert set(everything.frame["key"]) == {"seed", "cycle.method", "cycle.members"}


def test_a_run_alone_is_told_without_a_reference(tmp_path: Path) -> None:
    report = report_of(tmp_path, {"main": 1.0})
    assert report.controls == []
    assert report.lead[0].text.startswith("The error of the analyses of main")
    assert "data-reference=" not in render_report(report).split("<body>")[1].split("<script")[0]


def test_one_member_has_no_ranks(tmp_path: Path) -> None:
    run, (scored,) = run_and_scores(tmp_path, {"main": 1.0}, 4)
    alone = replace(
        scored,
        background=scored.background.isel(realization=[0]),
        analysis=scored.analysis.isel(realization=[0]),
    )
    report = compose_report(run, [alone])
    section = next(it for it in report.sections if it.title == "Reliability")
    assert section.text == "One member has no spread."
    assert [chart.title for chart in section.charts] == ["Departures"]


def test_reports_that_one_run_lacks_leave_a_report(lacking: HtmlReport) -> None:
    assert any("before is better than letkf" in it.text for it in lacking.lead)


def test_at_what_cost_a_run_is_better_is_told_first_and_in_every_table(report: HtmlReport) -> None:
    better = "align_da is better than letkf"
    (words,) = (it.text for it in report.lead if it.text.startswith(better))
    assert "A cycle takes 1.2 times the CPU time (2.5 s instead of 2 s)" in words
    comparison, shown = report.sections[:2]
    for table in comparison.tables:
        assert table.rows[-2:] == [
            ["CPU time a cycle", "s", "1.333", "2", "2.5"],
            ["memory", "GB", "1", "1", "1"],
        ]
    assert shown.title == "Cost"
    assert shown.tables[0].rows == [
        [HOSTILE, "1.333", "0.6667", "1", "12", "1", "2", "a processor", "cpu"],
        ["letkf", "2", "1", "1", "12", "1", "2", "a processor", "cpu"],
        ["align_da", "2.5", "1.25", "1", "12", "1", "2", "a processor", "cpu"],
    ]
    assert "Not recorded" not in shown.text


def test_a_run_whose_cost_is_not_recorded_says_so(lacking: HtmlReport) -> None:
    told = [it.text for it in lacking.lead if it.reference]
    assert all(text.endswith("What a cycle of before costs is not recorded.") for text in told)
    shown = lacking.sections[1]
    assert "Not recorded: before." in shown.text
    assert shown.tables[0].rows[1] == ["before", *8 * ["—"]]
