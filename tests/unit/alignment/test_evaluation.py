"""Comparison of priors."""

from collections.abc import Callable

import jax
import numpy as np
import pytest
import xarray as xr

from align_da.alignment import (
    AlignmentCase,
    Draw,
    pooled_draw,
    prior_differences,
    prior_score,
    score_cases,
)
from align_da.alignment.evaluation import split_by_prior
from align_da.alignment.rewards import AccuracyReward, CalibrationReward
from align_da.errors import InputError

MakeDraw = Callable[..., Draw]
PRIORS = ("reference", "biased", "collapsed")


@pytest.fixture(scope="module")
def compared(cases: list[AlignmentCase], gaussian_draw: MakeDraw) -> xr.Dataset:
    """The truth is 0 with no uncertainty, N(0, 1) the reference: 24 draws of each prior."""
    draws = {
        "reference": gaussian_draw(1.0, candidates=24),
        "biased": gaussian_draw(1.0, bias=1.0, candidates=24),
        "collapsed": gaussian_draw(0.1, bias=0.5, candidates=24),
    }
    rewards = {"accuracy": AccuracyReward(), "calibration": CalibrationReward()}
    scored = score_cases(
        cases, pooled_draw(draws), lambda: prior_score(rewards, tuple(draws)), seed=0
    )
    return prior_differences(scored)


def test_pooled_rewards_tell_which_prior_is_better(compared: xr.Dataset) -> None:
    accuracy = compared["mean_reward"].sel(reward="accuracy")
    assert accuracy.sel(prior="reference") > accuracy.sel(prior="biased")
    np.testing.assert_allclose(accuracy.mean("prior"), 0.5, atol=1e-5)
    assert (compared["best_reward"] >= compared["mean_reward"]).all()


def test_errors_and_spread_are_relative_to_the_reference(compared: xr.Dataset) -> None:
    reference = compared.sel(prior="reference")
    for name in ("rmse", "mean_rmse", "spread", "fair_crps"):
        np.testing.assert_allclose(reference[f"relative_{name}"], 1.0, rtol=1e-6)
    # E e² = bias² + spread² = 2 instead of 1.
    np.testing.assert_allclose(
        compared["relative_rmse"].sel(prior="biased"), np.sqrt(2), rtol=0.05
    )


def test_a_collapse_shows_in_spread_and_crps_though_single_draws_gain(
    compared: xr.Dataset,
) -> None:
    collapsed = compared.sel(prior="collapsed")
    assert collapsed["relative_rmse"] < 0.6
    np.testing.assert_allclose(collapsed["relative_spread"], 0.1, rtol=1e-4)
    assert collapsed["relative_fair_crps"] > 1.5
    assert collapsed["spread_skill"] < 0.3


def test_spread_and_skill_agree_for_a_reliable_ensemble(
    cases: list[AlignmentCase], gaussian_draw: MakeDraw
) -> None:
    """Truth and draws from the same distribution: the ratio is 1."""
    spread, draws = 2.0, 8

    def with_random_truth(number: int) -> AlignmentCase:
        truth, _ = gaussian_draw(spread, candidates=1)(cases[0], jax.random.key(100 + number))
        state = type(truth)(truth.values[0], truth.layout)
        return AlignmentCase(state, state, cases[0].valid_time, state, 24.0)

    scored = score_cases(
        [with_random_truth(number) for number in range(40)],
        pooled_draw({"reference": gaussian_draw(spread, candidates=draws)}),
        lambda: prior_score({"accuracy": AccuracyReward()}, ("reference",)),
        seed=1,
    )
    np.testing.assert_allclose(prior_differences(scored)["spread_skill"], 1.0, rtol=0.05)


def test_a_group_that_cannot_be_shared_equally_is_refused(
    cases: list[AlignmentCase], gaussian_draw: MakeDraw
) -> None:
    candidates, _ = gaussian_draw(1.0, candidates=4)(cases[0], jax.random.key(0))
    with pytest.raises(InputError, match="at least 2 draws of each of 3 priors"):
        split_by_prior(candidates, 3)
