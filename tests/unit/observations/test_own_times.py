"""H of observations within a window: slots, interpolation in time, what is refused."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from align_da.atmosphere import Layout, State, periodic_line
from align_da.cycling.twin_experiment import observe_everything
from align_da.errors import InputError
from align_da.observations.batch import ObservationBatch
from align_da.observations.interpolation import interpolation_operator
from align_da.observations.own_times import at_own_times, at_valid_time, slots_of_window

LAYOUT = Layout(periodic_line(5), ("abstract_field",))
SLOTS = slots_of_window(6, 1)
OPERATOR_FOR = at_own_times(interpolation_operator, SLOTS)


def at_hours(*hours: float) -> ObservationBatch:
    return replace(observe_everything(LAYOUT, 1.0), time=3600 * jnp.asarray(hours, jnp.float32))


def state(members: int = 2) -> State:
    """Member m is m at the valid time and changes by m + 1 an hour."""
    values = jnp.ones((members, *LAYOUT.shape)) * jnp.arange(members)[:, None, None, None]
    hourly = (values + 1)[:, None]
    return State(values, LAYOUT, hourly * jnp.asarray(SLOTS)[:, None, None, None])


def test_slots_are_centred_on_the_valid_time_and_hold_both_ends() -> None:
    assert SLOTS == (-3, -2, -1, 0, 1, 2, 3)
    assert slots_of_window(24, 12) == (-12, 0, 12)
    assert slots_of_window(6, 0) == ()


@pytest.mark.parametrize(("window", "every"), [(6, 2), (6, 6), (5, 1), (6, -1)])
def test_slots_that_do_not_divide_half_a_window_are_refused(window: int, every: int) -> None:
    with pytest.raises(InputError, match=f"half of the window of {window} hours.*got {every}"):
        slots_of_window(window, every)


def test_each_observation_sees_each_member_at_its_time_linearly_between_slots() -> None:
    hours = np.asarray([-3.0, -0.5, 0.0, 1.25, 2.0])
    found = OPERATOR_FOR(at_hours(*hours), LAYOUT)(state())
    np.testing.assert_allclose(found, [hours, 1 + 2 * hours], rtol=1e-6)


def test_times_beyond_the_window_and_none_at_all_give_finite_equivalents() -> None:
    found = OPERATOR_FOR(at_hours(-99, 99, np.nan, np.inf, 0), LAYOUT)(state(1))
    np.testing.assert_allclose(found, [[-3, 3, 0, 3, 0]])


def test_a_state_without_a_drift_stands_still() -> None:
    operator, still = (
        OPERATOR_FOR(at_hours(-3, -1, 0, 1, 2), LAYOUT),
        State(state().values, LAYOUT),
    )
    np.testing.assert_array_equal(operator(still), at_valid_time(operator)(still))


def test_observations_at_the_valid_time_have_the_bits_that_they_have_without_slots() -> None:
    batch, moving = at_hours(0, 0, 0, 0, 0), state()
    values = moving.values + jnp.linspace(0, 1, 5)[:, None] / 3
    np.testing.assert_array_equal(
        OPERATOR_FOR(batch, LAYOUT)(replace(moving, values=values)),
        interpolation_operator(batch, LAYOUT)(State(values, LAYOUT)),
    )


def test_a_state_of_other_slots_is_refused() -> None:
    other = replace(state(), drift=state().drift[:, :3])
    with pytest.raises(InputError, match="7 slots of the window, got 3"):
        OPERATOR_FOR(at_hours(0, 0, 0, 0, 0), LAYOUT)(other)
