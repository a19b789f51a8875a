"""What experiments leave in their folders."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from align_da.errors import StorageError
from experiments.results import (
    add_result,
    only,
    read_result,
    read_scores,
    scores_in,
    tidy,
    write_picture,
    write_result,
    write_scores,
)

ROWS = pd.DataFrame(
    {"date": ["2000-01-01", "2000-01-02"], "method": "ETKF", "value": [1.2345678, 2e-4 / 3]}
)


def test_scores_come_back_with_six_digits(tmp_path: Path) -> None:
    found = read_scores(write_scores(tmp_path, "peers", ROWS))
    assert found["date"].tolist() == ROWS["date"].tolist()
    np.testing.assert_allclose(found["value"], ROWS["value"], rtol=5e-6)


def test_equal_scores_are_equal_bytes(tmp_path: Path) -> None:
    first, second = (write_scores(tmp_path, name, ROWS) for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()
    assert list(scores_in(tmp_path)) == ["one", "two"]


def test_a_damaged_file_of_scores_is_refused(tmp_path: Path) -> None:
    path = write_scores(tmp_path, "peers", ROWS)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StorageError, match="make it again"):
        read_scores(path)
    with pytest.raises(StorageError, match="No such file"):
        read_scores(tmp_path / "none.csv.gz")


def test_rows_with_the_same_keys_are_replaced_and_others_kept(tmp_path: Path) -> None:
    write_result(tmp_path, "gate", pd.DataFrame({"name": ["a", "b"], "n": [0, 2], "x": [1, 2]}))
    added = pd.DataFrame({"name": ["b", "b"], "n": [2, 3], "x": [5, 6]})
    found = read_result(add_result(tmp_path, "gate", added, ["name", "n"]))
    assert found.to_numpy().tolist() == [["a", 0, 1], ["b", 2, 5], ["b", 3, 6]]


def test_only_chosen_rows_are_kept() -> None:
    rows = tidy([(1, "m", "analysis", "u", "rmse", 1.0), (1, "m", "analysis", "T", "bias", 2.0)])
    assert only(rows, variable=["u", "T"], score=["rmse"])["value"].tolist() == [1.0]


def test_a_picture_is_written_as_it_is(tmp_path: Path) -> None:
    assert write_picture(tmp_path / "report" / "a.png", b"picture").read_bytes() == b"picture"
