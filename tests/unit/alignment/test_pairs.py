"""Preference pairs."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from align_da.alignment.pairs import PreferencePairs, dominates, front_of, select_pairs, win_rates
from align_da.errors import InputError

# Few distinct values, so that ties occur; few shapes, since each is compiled.
rewards_strategy = hnp.arrays(
    np.float64,
    st.tuples(st.just(3), st.sampled_from([2, 7]), st.integers(1, 4)),
    elements=st.integers(0, 5).map(float),
)


def has_preference(rewards: np.ndarray) -> bool:
    return bool(dominates(rewards).any())


def triples(pairs: PreferencePairs) -> list[tuple[int, int, int]]:
    return list(
        zip(*(a.tolist() for a in (pairs.case, pairs.chosen, pairs.rejected)), strict=True)
    )


@settings(deadline=None, max_examples=50)
@given(rewards_strategy, st.floats(0.1, 0.5), st.integers(1, 20), st.integers(0, 100))
def test_chosen_dominates_rejected_without_duplicates_and_capped(
    rewards: np.ndarray, quantile: float, count: int, seed: int
) -> None:
    assume(has_preference(rewards))
    pairs = select_pairs(rewards, quantile=quantile, count=count, seed=seed)
    assert 0 < len(pairs) <= count
    assert len(set(triples(pairs))) == len(pairs)
    chosen, rejected = rewards[pairs.case, pairs.chosen], rewards[pairs.case, pairs.rejected]
    assert (chosen >= rejected).all()
    assert (chosen > rejected).any(axis=-1).all()
    assert (pairs.margin > 0).all()
    assert (pairs.margin <= 1).all()


@settings(deadline=None, max_examples=20)
@given(rewards_strategy, st.integers(0, 100))
def test_a_seed_reproduces_its_pairs(rewards: np.ndarray, seed: int) -> None:
    assume(has_preference(rewards))
    first, second = (select_pairs(rewards, quantile=0.3, count=9, seed=seed) for _ in range(2))
    assert triples(first) == triples(second)


@settings(deadline=None, max_examples=30)
@given(rewards_strategy, st.integers(1, 30))
def test_every_case_with_a_preference_gets_a_pair_before_any_gets_two(
    rewards: np.ndarray, count: int
) -> None:
    assume(has_preference(rewards))
    pairs = select_pairs(rewards, quantile=0.5, count=count, seed=0)
    with_preference = int(dominates(rewards).any(axis=(1, 2)).sum())
    assert len(set(pairs.case.tolist())) == min(with_preference, count)


def test_another_seed_draws_other_pairs() -> None:
    rewards = np.random.default_rng(0).normal(size=(10, 16, 1))
    first, second = (select_pairs(rewards, quantile=0.25, count=20, seed=s) for s in (0, 1))
    assert triples(first) != triples(second)


def test_one_reward_pairs_its_top_with_its_bottom() -> None:
    rewards = np.arange(32.0)[None, :, None]
    pairs = select_pairs(rewards, quantile=5 / 32, count=1000, seed=0)
    assert set(pairs.chosen.tolist()) == {27, 28, 29, 30, 31}
    assert set(pairs.rejected.tolist()) == {0, 1, 2, 3, 4}
    assert len(pairs) == 25
    assert pairs.joint.all()


def test_fronts_decide_where_no_candidate_is_in_all_quantiles() -> None:
    # 0 and 1 lead one reward each, 2 is below both; none is in the top quarter of both rewards.
    rewards = np.array([[[3.0, 2.0], [2.0, 3.0], [1.0, 1.0], [0.0, 4.0], [4.0, 0.0]]])
    pairs = select_pairs(rewards, quantile=0.25, count=10, seed=0)
    assert sorted(triples(pairs)) == [(0, 0, 2), (0, 1, 2)]
    assert not pairs.joint.any()


def test_fronts_are_peeled_from_the_best() -> None:
    rewards = np.array([[[2.0, 2.0], [1.0, 1.0], [0.0, 3.0], [0.0, 0.0]]])
    np.testing.assert_array_equal(front_of(dominates(rewards)), [[0, 1, 0, 2]])


def test_win_rate_is_the_share_that_is_beaten_with_ties_as_half() -> None:
    rewards = np.array([1.0, 5.0, 1.0, 7.0])[None, :, None]
    np.testing.assert_allclose(win_rates(rewards)[0, :, 0], [1 / 6, 2 / 3, 1 / 6, 1.0])


def test_contradicting_rewards_give_an_error_not_a_pair() -> None:
    with pytest.raises(InputError, match="no pair"):
        select_pairs(np.array([[[0.0, 1.0], [1.0, 0.0]]]), quantile=0.5, count=3, seed=0)


def test_a_reward_that_is_not_finite_is_refused() -> None:
    with pytest.raises(InputError, match="finite"):
        select_pairs(np.array([[[np.nan], [1.0]]]), quantile=0.5, count=3, seed=0)


def test_pairs_of_some_cases_are_kept_whole() -> None:
    pairs = select_pairs(
        np.random.default_rng(1).normal(size=(6, 8, 2)), quantile=0.4, count=99, seed=0
    )
    kept = pairs.where(pairs.case < 3)
    assert set(kept.case.tolist()) == {0, 1, 2}
    assert triples(kept) == [triple for triple in triples(pairs) if triple[0] < 3]
