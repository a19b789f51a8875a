import numpy as np
import pandas as pd
import pytest
from bokeh.models import ColumnDataSource

from align_da.verification.report import score_charts
from align_da.verification.report.page import Chart
from align_da.verification.report.score_charts import ShownField, place_chart, series_chart
from align_da.verification.score_table import ROW_COLUMNS

DATES = pd.date_range("1960-01-01", periods=12, freq="6h")
FIELDS = [ShownField("T", "T", "troposphere", "K")]


def source_of(chart: Chart) -> ColumnDataSource:
    return chart.panels[0].renderers[0].data_source


def series() -> pd.DataFrame:
    return pd.DataFrame(
        [
            (date, run, "analysis", "T", "rmse", offset + number)
            for run, offset in (("a", 0.0), ("b", 100.0))
            for number, date in enumerate(DATES)
        ],
        columns=list(ROW_COLUMNS),
    )


def test_a_run_is_a_column_and_the_axis_has_score_and_unit() -> None:
    chart = series_chart(series(), FIELDS, ["a", "b"])
    np.testing.assert_array_equal(source_of(chart).data["b"], 100 + np.arange(12))
    assert chart.panels[0].yaxis[0].axis_label == "RMSE, K"
    assert [select.value for select in chart.controls] == ["analysis", "T", "troposphere", "RMSE"]


def test_of_more_dates_than_the_page_bears_every_so_many_are_shown_and_that_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(score_charts, "_VALUES_OF_SERIES", 8)
    chart = series_chart(series(), FIELDS, ["a", "b"])
    np.testing.assert_array_equal(source_of(chart).data["a"], [0, 3, 6, 9])
    assert "One date in 3 is shown." in chart.caption


def test_a_run_without_a_score_at_a_date_has_a_gap_there() -> None:
    rows = series()
    chart = series_chart(
        rows[(rows["method"] == "a") | (rows["date"] != DATES[5])], FIELDS, ["a", "b"]
    )
    assert list(np.flatnonzero(np.isnan(source_of(chart).data["b"]))) == [5]


def test_parts_of_the_globe_are_in_order_whatever_run_has_them() -> None:
    parts = {
        "a": {"latitude": ["10", "-80"], "region": ["tropics"], "distance": ["over 3000"]},
        "b": {"latitude": ["-5"], "region": ["southern extratropics"], "distance": ["0 to 250"]},
    }
    places = pd.DataFrame(
        [
            (run, "analysis", "T", by, place, 1.0, 1.0, 0.5)
            for run, of_run in parts.items()
            for by, names in of_run.items()
            for place in names
        ],
        columns=["method", "product", "variable", "by", "place", "rmse", "spread", "share"],
    )
    region, latitude, distance = place_chart(places, FIELDS, ["a", "b"]).panels
    assert list(region.x_range.factors) == ["southern extratropics", "tropics"]
    assert list(latitude.renderers[0].data_source.data["place"]) == [-80.0, -5.0, 10.0]
    assert list(distance.x_range.factors) == ["0 to 250", "over 3000"]
