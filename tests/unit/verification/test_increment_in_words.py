"""The numbers of an observation say in words why the analysis has moved so little."""

import numpy as np
import pandas as pd
import pytest

from align_da.observations.batch import Flag
from align_da.verification.increment_in_words import (
    FLAGS,
    Reach,
    leading_observation,
    sentences_of,
)
from align_da.verification.observation_neighbours import COLUMNS

NEAR = Reach(1.5e6, 1e5, 5.0)
OBSERVATION = {
    "variable": "temperature",
    "level": 0.5,
    "innovation": 2.0,
    "error": 1.0,
    "background_error": 1.0,
    "weight": 0.5,
    "share": 0.1,
    "expected": 1.4,
    "flag": "pass",
}


def worth(*changes: dict[str, object]) -> pd.DataFrame:
    return pd.DataFrame([OBSERVATION | change for change in changes])


def neighbours(*innovations: float) -> pd.DataFrame:
    rows = [(0, 10 + i, 400.0, 0.5, 0.8, value, value < 0) for i, value in enumerate(innovations)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


@pytest.mark.parametrize(
    ("change", "innovations", "reach", "told"),
    [
        (
            {"background_error": 1 / 3, "weight": 0.1},
            (),
            NEAR,
            (
                "small because sigma_o, 1 K, is 3.0 times the error of the background, 0.333 K: "
                "the weight is 0.10"
            ),
        ),
        (
            {},
            (1.0, -2.0),
            NEAR,
            (
                "small because the neighbour 11, 400 km away, has the opposite innovation, -2 K "
                "against 2 K"
            ),
        ),
        (
            {"share": -0.2},
            (-2.0,),
            NEAR,
            "the analysis moved away because the neighbour 10, 400 km away",
        ),
        ({}, (0.5, 0.1), NEAR, "its neighbours ask for less, 0.3 K on average of 2 against 2 K"),
        ({"weight": 0.4, "share": 0.05}, (0.5, 0.1), NEAR, "its neighbours ask for less"),
        ({}, (), NEAR, "though no used neighbour is within reach"),
        (
            {},
            (),
            Reach(1e5, 3e5, 5.0),
            (
                "beyond the radius of localisation: no column of the grid is within 2 x 100 km, "
                "the nearest is 300 km away"
            ),
        ),
        (
            {"flag": "background", "expected": 7.25},
            (),
            NEAR,
            (
                "rejected by the background check: its innovation, 2 K, is 7.2 times the "
                "departure that errors make expect, and the limit is 5"
            ),
        ),
        ({"flag": "buddy"}, (), NEAR, "rejected by the buddy check"),
        ({"flag": "passive"}, (), NEAR, "withheld"),
        ({"expected": 0.2}, (), NEAR, "there was little to correct: the innovation, 2 K, is 0.2"),
        (
            {"share": 0.62},
            (),
            NEAR,
            (
                "not small, 62% of the innovation, 2 K, has reached the analysis; alone it would "
                "have had a weight of 0.50"
            ),
        ),
    ],
)
def test_the_reason_is_told_with_its_numbers(
    change: dict[str, object], innovations: tuple[float, ...], reach: Reach, told: str
) -> None:
    (sentence,) = sentences_of(worth(change), neighbours(*innovations), reach)
    assert sentence.startswith("temperature at 0.5: ")
    assert told in sentence


def test_the_sentence_is_about_the_used_observation_that_asked_for_most() -> None:
    table = worth(
        {"innovation": 50.0, "flag": "buddy"},
        {"innovation": 1.0},
        {"innovation": -3.0, "level": np.nan},
    )
    assert leading_observation(table) == 2
    first, second = sentences_of(table, neighbours(), NEAR)
    assert first.startswith("temperature: ")
    assert second == "1 of its 3 observations were not used: 1 buddy."


def test_every_flag_has_words() -> None:
    assert set(FLAGS) == set(Flag)
