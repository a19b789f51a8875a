import numpy as np
import pandas as pd
import pytest

from align_da.errors import InputError
from align_da.keys import Purpose, key_for
from align_da.verification.score_table import spread_skill_ratios, summarise_scores
from align_da.verification.significance import Bootstrap
from align_da.verification.table_format import (
    readable_table,
    to_csv,
    to_markdown,
    told_dates,
)

KEY = key_for(0, Purpose.VERIFICATION)
BOOTSTRAP = Bootstrap(samples=200)
DATES = pd.date_range("1960-01-01", periods=24, freq="6h")


def _rows(method: str, score: str, values: np.ndarray, variable: str = "T") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "date": DATES[: len(values)],
            "method": method,
            "product": "analysis",
            "variable": variable,
            "score": score,
            "value": values,
        }
    )


@pytest.fixture
def rows() -> pd.DataFrame:
    weather = np.random.default_rng(0).uniform(1.0, 2.0, len(DATES))
    return pd.concat(
        [
            _rows("peer", "rmse", weather),
            _rows("ours", "rmse", 0.8 * weather),
            _rows("peer", "spread", 0.5 * weather),
            _rows("ours", "spread", 0.8 * weather),
            _rows("peer", "balance", np.full(len(DATES), 0.90)),
            _rows("ours", "balance", np.full(len(DATES), 0.95)),
        ]
    )


def _cell(table: pd.DataFrame, method: str, score: str) -> pd.Series:
    return table[(table["method"] == method) & (table["score"] == score)].iloc[0]


def test_a_lower_error_is_an_improvement_with_its_interval(rows: pd.DataFrame) -> None:
    ours = _cell(summarise_scores(rows, "peer", BOOTSTRAP, KEY), "ours", "rmse")
    assert ours["improvement"] == pytest.approx(0.2)
    assert ours["improvement_low"] == pytest.approx(0.2)
    assert ours["verdict"] == "better"
    assert ours["dates"] == len(DATES)


def test_a_higher_balance_score_is_better_and_the_reference_is_named(rows: pd.DataFrame) -> None:
    table = summarise_scores(rows, "peer", BOOTSTRAP, KEY)
    assert _cell(table, "ours", "balance")["verdict"] == "better"
    assert _cell(table, "peer", "balance")["verdict"] == "reference"


def test_spread_has_no_better_side_and_yields_the_spread_skill_ratio(rows: pd.DataFrame) -> None:
    table = summarise_scores(rows, "peer", BOOTSTRAP, KEY)
    assert pd.isna(_cell(table, "ours", "spread")["verdict"])
    assert _cell(table, "ours", "spread_skill")["mean"] == pytest.approx(1.0)
    assert _cell(table, "peer", "spread_skill")["mean"] == pytest.approx(0.5)


def test_spread_skill_is_a_ratio_of_means_and_not_a_mean_of_ratios() -> None:
    rows = pd.concat(
        [
            _rows("ours", "rmse", np.asarray([1.0, 3.0])),
            _rows("ours", "spread", np.asarray([3.0, 1.0])),
        ]
    )
    assert spread_skill_ratios(rows)["mean"].item() == pytest.approx(1.0)


def test_one_member_runs_have_no_spread_skill(rows: pd.DataFrame) -> None:
    table = summarise_scores(rows[rows["score"] == "rmse"], "peer", BOOTSTRAP, KEY)
    assert set(table["score"]) == {"rmse"}


def test_a_comparison_says_what_its_dates_are_worth(rows: pd.DataFrame) -> None:
    table = summarise_scores(rows, "peer", BOOTSTRAP, KEY)
    ours = _cell(table, "ours", "balance")
    assert ours["block_length"] >= 1
    assert 1 <= ours["effective_dates"] <= len(DATES)
    assert pd.isna(_cell(table, "peer", "balance")["effective_dates"])


def test_what_stands_behind_intervals_is_told_in_a_sentence() -> None:
    gains = pd.DataFrame(
        {
            "dates": [24, 24, 24],
            "effective_dates": [7.2, 20.4, np.nan],
            "block_length": [6, 3, np.nan],
        }
    )
    assert told_dates(gains) == (
        "Intervals of 24 dates, worth 7 to 20 independent ones, in blocks of 3 to 6."
    )
    assert told_dates(gains.tail(1)) == told_dates(gains[["dates"]]) == ""


def test_the_order_of_the_rows_does_not_matter(rows: pd.DataFrame) -> None:
    table = summarise_scores(rows, "peer", BOOTSTRAP, KEY)
    shuffled = summarise_scores(rows.sample(frac=1, random_state=1), "peer", BOOTSTRAP, KEY)
    keys = ["score", "method"]
    columns = table.columns.tolist()
    pd.testing.assert_frame_equal(
        table.sort_values(keys)[columns].reset_index(drop=True),
        shuffled.sort_values(keys)[columns].reset_index(drop=True),
    )


def test_a_score_of_one_method_alone_shows_its_mean(rows: pd.DataFrame) -> None:
    alone = pd.concat([rows, _rows("ours", "bias", np.full(len(DATES), 3.0))])
    assert _cell(summarise_scores(alone, "peer", BOOTSTRAP, KEY), "ours", "bias")["mean"] == 3.0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda rows: rows.drop(columns="product"), "product missing"),
        (lambda rows: pd.concat([rows, rows.iloc[:1]]), "twice"),
        (lambda rows: rows[rows["method"] != "peer"], "no scores of the reference"),
        (lambda rows: rows.iloc[1:], "same dates"),
    ],
)
def test_rows_that_cannot_be_paired_are_refused(
    rows: pd.DataFrame, change: object, reason: str
) -> None:
    assert callable(change)
    with pytest.raises(InputError, match=reason):
        summarise_scores(change(rows), "peer", BOOTSTRAP, KEY)


def test_the_readable_table_has_a_column_a_method(rows: pd.DataFrame) -> None:
    table = readable_table(summarise_scores(rows, "peer", BOOTSTRAP, KEY), "rmse", "analysis")
    assert list(table.columns) == ["variable", "peer", "ours"]
    assert table["ours"].item().endswith("(+20.0 % *)")


def test_markdown_and_csv_hold_every_cell() -> None:
    table = pd.DataFrame({"method": ["ours"], "mean": [0.123456], "low": [-np.inf]})
    assert to_markdown(table) == (
        "| method | mean | low |\n| --- | --- | --- |\n| ours | 0.1235 | — |\n"
    )
    assert to_csv(table) == "method,mean,low\nours,0.123456,-inf\n"
