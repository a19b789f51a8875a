import jax
import numpy as np
import pandas as pd

from align_da.verification.relative_errors import relative_errors
from align_da.verification.report.words import told_alone, told_comparison, told_extent
from align_da.verification.score_table import ROW_COLUMNS, summarise_scores
from align_da.verification.significance import Bootstrap

LABELS = ["T", "p_s"]


def rows_of(method: str, factor: dict[str, float], dates: int) -> pd.DataFrame:
    noise = np.random.default_rng(len(method)).uniform(0.95, 1.05, (len(LABELS), dates))
    times = pd.date_range("1960-01-01", periods=dates, freq="6h")
    return pd.DataFrame(
        [
            (date, method, "analysis", label, "rmse", factor[label] * noise[row, column])
            for row, label in enumerate(LABELS)
            for column, date in enumerate(times)
        ],
        columns=list(ROW_COLUMNS),
    )


def told(factor: dict[str, float], dates: int = 60) -> str:
    rows = pd.concat(
        [rows_of("old", dict.fromkeys(LABELS, 1.0), dates), rows_of("newer", factor, dates)]
    )
    relative = relative_errors(rows, "old", LABELS)
    summary = summarise_scores(
        pd.concat([rows, relative], ignore_index=True), "old", Bootstrap(200), jax.random.key(0)
    )
    return told_comparison(summary, "newer", "old", LABELS)


def test_a_better_run_is_told_with_size_interval_and_independent_dates() -> None:
    text = told({"T": 0.7, "p_s": 0.9})
    assert text.startswith("newer is better than old: the error of its analyses")
    assert "is 20 % lower (95 % interval: " in text
    assert "surely lower in T (30 %) and p_s (9.9 %)" in text  # of this noise
    assert text.endswith("independent ones.")
    assert "60 dates are worth " in text


def test_a_worse_run_is_told_as_worse() -> None:
    text = told({"T": 1.2, "p_s": 1.2})
    assert text.startswith("newer is worse than old")
    assert "surely higher in T" in text


def test_runs_that_do_not_differ_are_not_called_better() -> None:
    text = told({"T": 1.0, "p_s": 1.0})
    assert text.startswith("newer cannot be told from old")
    assert "No difference is sure in T and p_s." in text
    assert "interval: from " in text


def test_of_few_dates_nothing_is_claimed() -> None:
    text = told({"T": 0.5, "p_s": 0.5}, dates=3)
    assert text.startswith("Whether newer is better than old cannot be said yet: 3 dates")


def test_a_run_alone_is_told_by_what_it_gains_over_its_backgrounds() -> None:
    rows = pd.concat(
        [
            rows_of("background", dict.fromkeys(LABELS, 1.0), 60),
            rows_of("analysis", dict.fromkeys(LABELS, 0.75), 60),
        ]
    )
    relative = relative_errors(rows, "background", LABELS)
    summary = summarise_scores(relative, "background", Bootstrap(200), jax.random.key(0))
    text = told_alone(summary, "main")
    assert text.startswith("The error of the analyses of main")
    assert "is 25 % lower" in text


def test_what_all_runs_have_in_common_is_said_once() -> None:
    assert told_extent({"a": "9 cycles", "b": "9 cycles"}) == "Scored: a and b, 9 cycles each."
    assert told_extent({"a": "9 cycles", "b": "8 cycles"}) == "Scored: a, 9 cycles; b, 8 cycles."
