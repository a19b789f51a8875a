from dataclasses import dataclass, field, replace
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.assimilation.free_run import FreeRun
from align_da.atmosphere import Layout, State
from align_da.cycling.cycle import Cycle, CycleParts, CycleState, QualityControl
from align_da.cycling.cycles import cycles
from align_da.cycling.record import SCALAR_FIELDS, member_fields, observation_fields, record_of
from align_da.errors import InputError
from align_da.forecast.lorenz96 import Lorenz96ForecastModel
from align_da.keys import Purpose, key_for
from align_da.observations.batch import Flag, ObservationBatch

LAYOUT = Lorenz96ForecastModel().layout


@dataclass
class Doubling:
    """A model that doubles the state and remembers what it was asked for."""

    layout: Layout = LAYOUT
    step_hours: int = 6
    frames: Literal[1, 2] = 1
    differentiable: bool = True
    asked: list[tuple[np.datetime64, int]] = field(default_factory=list)
    frame: State | None = None

    def forecast(
        self,
        states: State,
        valid_time: np.datetime64,
        lead_hours: int,
        previous: State | None = None,
    ) -> State:
        self.asked.append((valid_time, lead_hours))
        self.frame = previous
        return State(2 * states.values, states.layout)


@pytest.fixture
def observations() -> ObservationBatch:
    floats, integers = jnp.zeros(3), jnp.zeros(3, jnp.int32)
    flag = jnp.asarray([Flag.PASS, Flag.PASSIVE, Flag.MISSING])
    return ObservationBatch(
        floats, floats + 1, floats, floats, floats + 1, integers, floats, integers, integers, flag
    )


@pytest.fixture
def state() -> CycleState:
    values = jnp.ones((2, *LAYOUT.shape)) * jnp.arange(1.0, 3.0)[:, None, None, None]
    return CycleState(State(values, LAYOUT), np.datetime64("2020-02-28T18:00", "ns"), 4)


def free_run() -> FreeRun:
    return FreeRun(lambda batch, layout: lambda states: states.values[:, 0, :3, 0])


def accept(batch: ObservationBatch, background: State) -> ObservationBatch:
    return batch


def run(
    state: CycleState,
    observations: ObservationBatch,
    model: Doubling,
    quality_control: QualityControl = accept,
) -> Cycle:
    parts = CycleParts(model, free_run(), 6, quality_control)
    (cycle,) = cycles(parts, state, [observations])
    return cycle


def test_the_background_is_the_forecast_of_every_member(
    state: CycleState, observations: ObservationBatch
) -> None:
    model = Doubling()
    cycle = run(state, observations, model)
    np.testing.assert_array_equal(cycle.background.values, 2 * state.analysis.values)
    assert model.asked == [(np.datetime64("2020-02-28T18:00"), 6)]
    assert (cycle.number, cycle.following.cycle) == (4, 5)
    assert cycle.valid_time == np.datetime64("2020-02-29T00:00")


def test_quality_control_sees_the_background_and_its_flags_reach_analysis_and_report(
    state: CycleState, observations: ObservationBatch
) -> None:
    def refuse_all(batch: ObservationBatch, background: State) -> ObservationBatch:
        assert float(background.values.max()) == 4.0
        return replace(batch, flag=jnp.full_like(batch.flag, int(Flag.BACKGROUND)))

    cycle = run(state, observations, Doubling(), refuse_all)
    assert int(cycle.used) == 0
    assert set(np.asarray(cycle.observations.flag).tolist()) == {Flag.BACKGROUND}


def test_row_33_an_empty_window_gives_the_background_and_says_so(
    state: CycleState, observations: ObservationBatch
) -> None:
    empty = replace(observations, flag=jnp.full_like(observations.flag, int(Flag.MISSING)))
    cycle = run(state, empty, Doubling())
    np.testing.assert_array_equal(cycle.analysis.values, cycle.background.values)
    record = record_of(cycle)
    assert record.scalars["used_observations"] == 0


def test_the_record_holds_every_field_of_the_store(
    state: CycleState, observations: ObservationBatch
) -> None:
    record = record_of(run(state, observations, Doubling()))
    assert set(record.observations) == {field.name for field in observation_fields(LAYOUT)}
    assert set(record.members) == {field.name for field in member_fields(LAYOUT)}
    assert set(record.scalars) == {field.name for field in SCALAR_FIELDS}
    assert record.scalars["used_observations"] == 1
    np.testing.assert_array_equal(record.observations["background_equivalent"], [3.0] * 3)


def test_the_key_is_the_only_source_of_randomness() -> None:
    keys = [jax.random.key_data(key_for(0, Purpose.ANALYSIS, cycle)) for cycle in (0, 0, 1)]
    np.testing.assert_array_equal(keys[0], keys[1])
    assert not np.array_equal(keys[0], keys[2])


def test_the_analysis_before_is_the_frame_of_the_next_forecast(
    state: CycleState, observations: ObservationBatch
) -> None:
    model = Doubling()
    following = run(state, observations, model).following
    assert model.frame is None
    run(following, observations, model)
    assert model.frame is not None
    np.testing.assert_array_equal(model.frame.values, state.analysis.values)


def test_an_analysis_of_another_window_is_no_frame(
    state: CycleState, observations: ObservationBatch
) -> None:
    model = Doubling(step_hours=3)
    following = run(state, observations, model).following
    run(following, observations, model)
    assert model.frame is None


def test_a_trajectory_goes_through_the_window_and_ends_with_the_analysis(
    state: CycleState, observations: ObservationBatch
) -> None:
    model = Doubling()
    parts = CycleParts(model, free_run(), 24, accept, trajectory_hours=12)
    (cycle,) = cycles(parts, state, [observations])
    start = np.datetime64("2020-02-28T18:00")
    assert model.asked == [(start + np.timedelta64(12 * slot, "h"), 12) for slot in range(3)]
    first = np.asarray(state.analysis.values)
    np.testing.assert_array_equal(cycle.background.values, 4 * first)
    through = np.stack([2 * first, 4 * first, 8 * first], axis=1)
    np.testing.assert_array_equal(cycle.background.in_slots, through)
    assert cycle.analysis.drift is None


def test_a_trajectory_of_finer_steps_than_the_model_has_is_refused() -> None:
    with pytest.raises(InputError, match=r"trajectory_hours = 3 is no multiple.*6 hours"):
        CycleParts(Doubling(), free_run(), 24, accept, trajectory_hours=3)
