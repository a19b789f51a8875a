import numpy as np
import pandas as pd

from align_da.verification.relative_errors import relative_errors
from align_da.verification.score_table import ROW_COLUMNS

DATES = pd.date_range("1960-01-01", periods=4, freq="6h")


def rows_of(method: str, factor: float) -> pd.DataFrame:
    """Errors of 2 K and 100 Pa on average, times a factor."""
    shape = np.asarray([0.5, 1.5, 1.0, 1.0])
    return pd.DataFrame(
        [
            (date, method, "analysis", variable, "rmse", factor * size * share)
            for variable, size in (("T", 2.0), ("p_s", 100.0), ("q", 0.0))
            for date, share in zip(DATES, shape, strict=True)
        ],
        columns=list(ROW_COLUMNS),
    )


def test_the_reference_has_a_mean_of_one_and_others_their_share_whatever_the_units() -> None:
    rows = pd.concat([rows_of("a", 1.0), rows_of("b", 0.8)], ignore_index=True)
    found = relative_errors(rows, "a", ["T", "p_s"])
    means = found.groupby("method")["value"].mean()
    np.testing.assert_allclose([means["a"], means["b"]], [1.0, 0.8])
    assert list(found.columns) == list(ROW_COLUMNS)


def test_a_field_without_an_error_of_the_reference_is_left_out() -> None:
    found = relative_errors(rows_of("a", 1.0), "a", ["T", "q"])
    assert np.isfinite(found["value"]).all()
    assert len(found) == len(DATES)
