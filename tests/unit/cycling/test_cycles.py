"""The loop: its order, and where it ends."""

from collections.abc import Iterator

import jax.numpy as jnp
import numpy as np
import pytest

from align_da.assimilation.free_run import FreeRun
from align_da.atmosphere import State
from align_da.cycling.cycle import CycleParts, CycleState
from align_da.cycling.cycles import cycles
from align_da.cycling.twin_experiment import observe_everything
from align_da.errors import BadStateError
from align_da.forecast.lorenz96 import Lorenz96ForecastModel
from align_da.observations.batch import ObservationBatch
from align_da.observations.interpolation import interpolation_operator

MODEL = Lorenz96ForecastModel()
BATCH = observe_everything(MODEL.layout, 1.0)
PARTS = CycleParts(MODEL, FreeRun(interpolation_operator), 6)


def start(size: float = 1.0) -> CycleState:
    values = size * jnp.cos(jnp.arange(80.0)).reshape(2, *MODEL.layout.shape)
    return CycleState(State(values, MODEL.layout), np.datetime64("2020-01-01", "ns"))


def test_every_cycle_goes_on_from_the_one_before() -> None:
    found = list(cycles(PARTS, start(), [BATCH] * 3))
    assert [cycle.number for cycle in found] == [0, 1, 2]
    expected = MODEL.forecast(start().analysis, start().valid_time, 6)
    np.testing.assert_array_equal(found[0].background.values, expected.values)
    expected = MODEL.forecast(found[1].analysis, found[1].valid_time, 6)
    np.testing.assert_array_equal(found[2].background.values, expected.values)
    assert found[2].valid_time == np.datetime64("2020-01-01T18")
    assert found[2].following.previous is found[1].analysis


def test_observations_are_asked_for_one_window_at_a_time() -> None:
    asked = []

    def observed() -> Iterator[ObservationBatch]:
        for number in range(3):
            asked.append(number)
            yield BATCH

    loop = cycles(PARTS, start(), observed())
    assert asked == []
    next(loop)
    assert asked == [0]


def test_what_becomes_of_a_background_is_what_is_analysed() -> None:
    def doubled(background: State) -> State:
        return State(2 * background.values, background.layout)

    (plain,), (adjusted,) = (
        cycles(PARTS, start(), [BATCH], change) for change in (lambda state: state, doubled)
    )
    np.testing.assert_array_equal(adjusted.analysis.values, 2 * plain.analysis.values)


@pytest.mark.parametrize(("asked_before", "done"), [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2)])
def test_it_can_be_stopped_before_every_forecast_and_every_analysis(
    asked_before: int, done: int
) -> None:
    answers = iter([False] * asked_before + [True])
    stopped = cycles(PARTS, start(), [BATCH] * 9, stopped=lambda: next(answers))
    assert len(list(stopped)) == done


def test_a_background_that_is_not_plausible_ends_it() -> None:
    with pytest.raises(BadStateError, match="background of cycle 0: member 0 has"):
        next(cycles(PARTS, start(1e30), [BATCH]))
