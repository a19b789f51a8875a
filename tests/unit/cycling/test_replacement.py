"""Members that are not plausible are replaced, few of them, and refused when they are many."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.cycling.replacement import (
    NONE_REPLACED,
    Replaced,
    ReplacementRule,
    with_plausible_members,
)
from align_da.errors import BadStateError

GRID = Grid((-30.0, 30.0), (0.0, 180.0), VerticalCoordinate("sigma", (0.5, 0.9)))
LAYOUT = Layout(GRID, ("temperature", "specific_humidity"))
RULE = ReplacementRule(share=0.2, total=10)
KEY = jax.random.key(3)


def ensemble(*broken: int, members: int = 10, value: float = np.nan) -> State:
    """Members of different temperatures, some of them broken at one point."""
    values = np.full((members, *LAYOUT.shape), 0.002, np.float32)
    values[..., :2] = 280 + 3 * np.arange(members)[:, None, None, None]
    for member in broken:
        values[member, 1, 0, 3] = value
    return State(jnp.asarray(values), LAYOUT)


def replaced(
    state: State, key: jax.Array = KEY, rule: ReplacementRule = RULE, before: int = 0
) -> tuple[np.ndarray, tuple[Replaced, ...]]:
    whole, told = with_plausible_members(state, "background", 412, key, rule, before)
    return np.asarray(whole.values), told


def test_a_plausible_ensemble_is_given_back() -> None:
    state = ensemble()
    whole, told = with_plausible_members(state, "analysis", 0, KEY, RULE, 0)
    assert whole is state
    assert told == ()


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.0055])
def test_a_broken_member_becomes_half_way_from_the_mean_of_the_others_to_one_of_them(
    value: float,
) -> None:
    state = ensemble(4, value=value)
    found, told = replaced(state)
    others = np.delete(np.asarray(state.values, np.float64), 4, axis=0)
    half_way = (others.mean(axis=0) + others) / 2
    near = [np.allclose(found[4], candidate, rtol=1e-6) for candidate in half_way]
    assert sum(near) == 1
    np.testing.assert_array_equal(np.delete(found, 4, axis=0), others.astype(np.float32))
    (one,) = told
    assert (one.product, one.cycle, one.offence.member) == ("background", 412, 4)
    assert str(one).startswith(
        "background of cycle 412: member 4 has specific_humidity at level 1"
    )
    assert "replaced" in str(one)


def test_a_member_that_breaks_later_in_the_window_is_replaced_all_through_it() -> None:
    still = ensemble()
    drift = np.zeros((10, 3, *LAYOUT.shape), np.float32)
    drift[..., :2] = np.arange(10)[:, None, None, None, None] * np.arange(3)[:, None, None, None]
    drift[4, 2, 0, 0, 0] = np.nan
    moving = State(still.values, LAYOUT, jnp.asarray(drift))
    whole, (one,) = with_plausible_members(moving, "background", 0, KEY, RULE, 0)
    assert one.offence.member == 4
    others = np.delete(np.asarray(moving.in_slots, np.float64), 4, axis=0)
    half_way = (others.mean(axis=0) + others) / 2
    near = [np.allclose(whole.in_slots[4], candidate, rtol=1e-6) for candidate in half_way]
    assert sum(near) == 1


def test_two_broken_members_become_different_ones() -> None:
    found, told = replaced(ensemble(0, 9))
    assert [one.offence.member for one in told] == [0, 9]
    assert not np.array_equal(found[0], found[9])


def test_the_key_chooses_whose_perturbation_is_taken() -> None:
    state = ensemble(4)
    first, again = replaced(state)[0], replaced(state)[0]
    np.testing.assert_array_equal(first, again)
    found = {replaced(state, jax.random.key(seed))[0][4].tobytes() for seed in range(8)}
    assert len(found) > 1


def test_a_member_alone_is_not_replaced() -> None:
    with pytest.raises(BadStateError, match=r"member 0 has .* = nan .* two plausible members"):
        replaced(ensemble(0, members=1), rule=ReplacementRule(1.0, 10))


def test_an_ensemble_that_is_all_broken_is_refused() -> None:
    with pytest.raises(BadStateError, match=r"10 such values in all.* 0 left"):
        replaced(ensemble(*range(10)), rule=ReplacementRule(1.0, 100))


def test_more_members_than_their_share_are_refused() -> None:
    assert len(replaced(ensemble(1, 2))[1]) == 2
    told = r"background of cycle 412: member 1 has .*3 of 10 members .*share = 0\.2"
    with pytest.raises(BadStateError, match=told):
        replaced(ensemble(1, 2, 3))


def test_more_members_than_the_total_of_a_run_are_refused() -> None:
    assert len(replaced(ensemble(1), before=9)[1]) == 1
    with pytest.raises(BadStateError, match=r"9 members have been replaced .*total = 10"):
        replaced(ensemble(1, 2), before=9)


def test_a_share_is_rounded_down_but_one_member_at_least() -> None:
    assert [ReplacementRule(0.2, 1).allowed(members) for members in (3, 9, 10, 15, 20)] == [
        *(1, 1, 2, 3, 4)
    ]
    assert NONE_REPLACED.allowed(20) == 0
    with pytest.raises(BadStateError, match="0 may be replaced"):
        replaced(ensemble(1), rule=NONE_REPLACED)
