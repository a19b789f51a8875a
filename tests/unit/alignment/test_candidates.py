"""Drawing and scoring candidates."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from align_da.alignment import AlignmentCase, CandidateScore, Draw, reward_score, score_cases
from align_da.alignment.rewards import AccuracyReward, CalibrationReward
from align_da.atmosphere import State
from align_da.errors import BadStateError, InputError
from align_da.parallel.cluster import client_of

MakeDraw = Callable[..., Draw]
BUILT: list[str] = []


@dataclass(frozen=True)
class Strange:
    """A reward that says whatever it is told to."""

    said: np.ndarray
    name: str = "strange"
    differentiable: bool = False

    def __call__(self, candidates: State, case: AlignmentCase) -> np.ndarray:
        return self.said


@dataclass(frozen=True)
class BuildScore:
    """Notes every build; equal by value, as workers need it."""

    name: str

    def __call__(self) -> CandidateScore:
        BUILT.append(self.name)
        return reward_score({"accuracy": AccuracyReward(), "calibration": CalibrationReward()})


def test_scores_and_latents_of_every_case_are_told(
    cases: list[AlignmentCase], gaussian_draw: MakeDraw
) -> None:
    done: list[int] = []
    scored = score_cases(
        cases, gaussian_draw(1.0), BuildScore("a"), seed=0, first=5, on_case=done.append
    )
    assert dict(scored.sizes) == {
        "case": 3,
        "candidate": 4,
        "reward": 2,
        "latent_latitude": 4,
        "latent_longitude": 8,
        "latent_channel": 2,
    }
    assert scored["case"].values.tolist() == done == [5, 6, 7]
    assert scored["reward"].values.tolist() == ["accuracy", "calibration"]
    assert scored["valid_time"].values[1] == np.datetime64("1960-01-01T06")
    np.testing.assert_allclose(
        scored["rewards"].sel(reward="accuracy").mean("candidate"), 0.5, rtol=1e-6
    )


def test_a_run_that_goes_on_gives_the_same_as_one_that_was_not_cut(
    cases: list[AlignmentCase], gaussian_draw: MakeDraw
) -> None:
    draw = gaussian_draw(1.0)
    whole = score_cases(cases, draw, BuildScore("a"), seed=3)
    head = score_cases(cases[:1], draw, BuildScore("a"), seed=3)
    tail = score_cases(cases[1:], draw, BuildScore("a"), seed=3, first=1)
    xr.testing.assert_identical(whole, xr.concat([head, tail], dim="case"))


def test_an_executor_gives_the_same_scores_in_order_and_builds_once(
    cases: list[AlignmentCase], gaussian_draw: MakeDraw
) -> None:
    here = score_cases(cases, gaussian_draw(1.0), BuildScore("here"), seed=0)
    with ThreadPoolExecutor(max_workers=1) as executor:
        there = score_cases(
            cases, gaussian_draw(1.0), BuildScore("there"), seed=0, executor=executor, in_flight=2
        )
    xr.testing.assert_identical(here, there)
    assert BUILT.count("there") == 1


def test_a_dask_client_gives_the_same_scores(
    cases: list[AlignmentCase], gaussian_draw: MakeDraw
) -> None:
    here = score_cases(cases, gaussian_draw(1.0), BuildScore("here"), seed=0)
    with client_of(None, 1) as client:
        executor = client.get_executor(pure=False)
        there = score_cases(
            cases, gaussian_draw(1.0), BuildScore("dask"), seed=0, executor=executor
        )
    xr.testing.assert_identical(here, there)
    assert BUILT.count("dask") == 1


def test_a_larger_number_of_cases_does_not_change_the_draws_of_the_first(
    cases: list[AlignmentCase], gaussian_draw: MakeDraw
) -> None:
    some = score_cases(cases[:2], gaussian_draw(1.0), BuildScore("a"), seed=0)
    every = score_cases(cases, gaussian_draw(1.0), BuildScore("a"), seed=0)
    xr.testing.assert_identical(some, every.isel(case=slice(2)))


def test_candidates_that_are_not_finite_are_refused_with_their_case(
    cases: list[AlignmentCase], gaussian_draw: MakeDraw
) -> None:
    with pytest.raises(BadStateError, match="case 4 at 1960-01-01T00"):
        score_cases(cases, gaussian_draw(jnp.nan), BuildScore("a"), seed=0, first=4)


def test_no_cases_are_refused(gaussian_draw: MakeDraw) -> None:
    with pytest.raises(InputError, match="at least one case"):
        score_cases([], gaussian_draw(1.0), BuildScore("a"), seed=0)


def test_a_forecast_that_fails_loses_and_the_others_keep_their_order(
    cases: list[AlignmentCase], gaussian_draw: MakeDraw
) -> None:
    candidates, _ = gaussian_draw(1.0)(cases[0], jax.random.key(0))
    broken = State(candidates.values.at[2, 0, 0, 0].set(jnp.inf), candidates.layout)
    scores = np.asarray(AccuracyReward()(broken, cases[0]))
    assert scores.argmin() == 2
    before = np.asarray(AccuracyReward()(candidates, cases[0]))
    kept = [0, 1, 3]
    np.testing.assert_array_equal(np.argsort(scores[kept]), np.argsort(before[kept]))


@pytest.mark.parametrize("said", [np.full(4, np.nan), np.zeros(3), np.zeros((4, 1)), np.zeros(())])
def test_a_reward_that_is_not_one_finite_number_a_candidate_is_refused_by_name(
    cases: list[AlignmentCase], said: np.ndarray
) -> None:
    layout = cases[0].truth.layout
    candidates = State(jnp.zeros((4, *layout.shape)), layout)
    with pytest.raises(
        InputError, match=r"each of 4 candidates of the reward 'strange'.* shape \(4,\)$"
    ):
        reward_score({"strange": Strange(said)})(candidates, cases[0])
