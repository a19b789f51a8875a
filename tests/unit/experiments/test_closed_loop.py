"""The tables of the laboratory of closed-loop learning."""

import re

import numpy as np
import pandas as pd
import pytest

from experiments.closed_loop.picture import draw, draw_rounds
from experiments.closed_loop.tables import COLUMNS, FILTER, result, show

TRAJECTORIES = 20
DRAW = np.random.default_rng(0)
OF_TRUTH = DRAW.normal(2, 0.5, TRAJECTORIES)  # how hard every trajectory is, for all methods


def rows_of(row: str, seed: int, factor: float, noise: float = 0.01) -> list[tuple[object, ...]]:
    errors = factor * OF_TRUTH + noise * DRAW.normal(size=TRAJECTORIES)
    return [("w", row, seed, 1.0, n, e, e, 1.1 * e, e / 2) for n, e in enumerate(errors)]


SCORES = pd.DataFrame(
    [*rows_of(FILTER, 0, 1.0), *(r for seed in range(3) for r in rows_of("learned", seed, 0.8))],
    columns=COLUMNS,
)


def test_a_gain_is_of_the_mean_and_its_interval_is_paired_by_trajectory() -> None:
    """Trajectories differ by a quarter; the gain is the same in all, and known to a percent."""
    found = result(SCORES).set_index("row").loc["learned"]
    assert found["gain"] == pytest.approx(0.2, abs=0.005)
    assert found["gain_low"] < found["gain"] < found["gain_high"]
    assert found["gain_high"] - found["gain_low"] < 0.06
    assert found["seeds"] == 3
    assert found["crps_gain"] == pytest.approx(0.2, abs=0.005)
    assert found["spread_over_rmse"] == pytest.approx(1.1)


def test_trainings_that_disagree_widen_the_interval() -> None:
    apart = pd.DataFrame(
        [
            *rows_of(FILTER, 0, 1.0),
            *(r for seed in range(3) for r in rows_of("learned", seed, 0.6 + 0.2 * seed)),
        ],
        columns=COLUMNS,
    )
    one, other = (
        table.set_index("row").loc["learned"] for table in (result(SCORES), result(apart))
    )
    width = [row["gain_high"] - row["gain_low"] for row in (one, other)]
    assert width[1] > 4 * width[0]


def test_the_table_for_people_has_percent_and_the_picture_is_drawn() -> None:
    assert re.search(r"\| \+(19|20)\.\d % \[", show(SCORES))
    assert draw(result(SCORES)).startswith(b"\x89PNG")


def test_the_errors_of_rounds_are_drawn() -> None:
    rows = [
        (number, split, 2 * number + cycle, variable, 1.0 / (1 + number))
        for number in range(2)
        for split in ("train", "validation")
        for cycle in range(2)
        for variable in ("temperature", "surface_pressure")
    ]
    table = pd.DataFrame(rows, columns=["round", "split", "cycle", "variable", "error"])
    assert draw_rounds(table).startswith(b"\x89PNG")
