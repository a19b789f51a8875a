"""Every reward keeps the contract of `align_da.alignment.contract.Reward`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.alignment import AlignmentCase, Reward
from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate, state_from_fields
from align_da.atmosphere.balance_score import BalanceMeasures
from align_da.runs.rewards import RewardInputs, build_rewards

NAMES = ("accuracy", "forecast", "balance", "calibration")
LATITUDE = tuple(float(x) for x in np.linspace(-84.375, 84.375, 16))
GRID = Grid(
    LATITUDE,
    tuple(float(x) for x in np.arange(32) * 11.25),
    VerticalCoordinate("sigma", (0.25, 0.5, 0.75)),
)
LAYOUT = Layout(
    GRID,
    (
        "u_component_of_wind",
        "v_component_of_wind",
        "temperature",
        "specific_humidity",
        "surface_pressure",
    ),
)
AMPLITUDE = {
    "u_component_of_wind": 2.0,
    "v_component_of_wind": 2.0,
    "temperature": 1.0,
    "specific_humidity": 1.0e-4,
    "surface_pressure": 100.0,
}
ERRORS = jnp.array([0.5, 1.0, 2.0, 4.0])
Score = Callable[[State], jax.Array]


@dataclass(frozen=True)
class RotatingModel:
    """The state moves eastward by one point a step: a forecast that keeps every difference."""

    layout: Layout = LAYOUT
    step_hours: int = 6
    frames: Literal[1, 2] = 1
    differentiable: bool = True

    def forecast(
        self,
        states: State,
        _valid_time: np.datetime64,
        lead_hours: int,
        _previous: State | None = None,
    ) -> State:
        return State(jnp.roll(states.values, lead_hours // self.step_hours, axis=-2), self.layout)


def variability() -> BalanceMeasures:
    """Of a truth that varies about as the embedded world does."""
    return BalanceMeasures(*map(jnp.float32, (0.01, 0.01, 0.01, 0.003)))


def truth_state() -> State:
    """A zonal jet without meridional wind, a meridional temperature gradient, flat pressure."""
    latitude = np.deg2rad(np.asarray(LATITUDE))[:, None, None]
    level = np.asarray(GRID.vertical.levels)
    shape = (*GRID.shape, 3)
    jet = 25.0 * np.sin(2 * latitude) ** 2 * (1.2 - level)
    return state_from_fields(
        {
            "u_component_of_wind": np.broadcast_to(jet, shape).astype(np.float32),
            "v_component_of_wind": np.zeros(shape, np.float32),
            "temperature": np.broadcast_to(
                290.0 - 35.0 * np.sin(latitude) ** 2 - 60.0 * (1 - level), shape
            ).astype(np.float32),
            "specific_humidity": np.broadcast_to(0.01 * level**3, shape).astype(np.float32),
            "surface_pressure": np.full((*GRID.shape, 1), 1.0e5, np.float32),
        },
        LAYOUT,
    )


def amplitudes() -> jax.Array:
    return jnp.array([AMPLITUDE[channel.variable.name] for channel in LAYOUT.channels])


def candidates_with_errors(errors: jax.Array, seed: int = 0) -> State:
    """Candidates whose wind, temperature, humidity and pressure are wrong by white noise."""
    truth = truth_state()
    noise = jax.random.normal(jax.random.key(seed), (errors.size, *LAYOUT.shape))
    return State(truth.values + errors[:, None, None, None] * amplitudes() * noise, LAYOUT)


@pytest.fixture(scope="module")
def case() -> AlignmentCase:
    truth = truth_state()
    valid_time = np.datetime64("1960-01-01T00")
    at_lead = RotatingModel().forecast(truth, valid_time, 12)
    return AlignmentCase(truth, truth, valid_time, at_lead, 24.0)


@pytest.fixture(scope="module", params=NAMES)
def reward(request: pytest.FixtureRequest) -> Reward:
    flat = jnp.zeros(GRID.shape)
    inputs = RewardInputs(RotatingModel, 12, flat, variability)
    return build_rewards([request.param], inputs)[request.param]


@pytest.fixture(scope="module")
def score(reward: Reward, case: AlignmentCase) -> Score:
    """The reward of candidates of the case, compiled once."""
    return jax.jit(lambda candidates: reward(candidates, case))


def test_a_candidate_with_a_smaller_error_has_a_higher_reward(
    score: Score,
) -> None:
    scores = np.asarray(score(candidates_with_errors(ERRORS)))
    assert scores.shape == (4,)
    assert np.all(np.diff(scores) < 0)


def test_the_truth_has_the_best_reward(score: Score) -> None:
    scores = np.asarray(score(candidates_with_errors(ERRORS.at[2].set(0.0))))
    assert scores.argmax() == 2


def test_rewards_follow_the_candidates_when_these_are_reordered(
    score: Score,
) -> None:
    candidates = candidates_with_errors(ERRORS)
    order = np.array([2, 0, 3, 1])
    reordered = score(State(candidates.values[order], LAYOUT))
    np.testing.assert_allclose(reordered, np.asarray(score(candidates))[order], rtol=1e-5)


@pytest.mark.parametrize("error", [0.0, 1.0, 20.0])
def test_rewards_are_finite_even_for_equal_or_bad_candidates(score: Score, error: float) -> None:
    candidates = candidates_with_errors(jnp.full(3, error))
    candidates = State(candidates.values.at[1].set(candidates.values[0]), LAYOUT)
    scores = np.asarray(score(candidates))
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-5)


def test_a_differentiable_reward_has_the_gradient_of_its_finite_difference(
    reward: Reward, score: Score, case: AlignmentCase
) -> None:
    assert reward.differentiable
    start = candidates_with_errors(ERRORS).values
    direction = jnp.zeros_like(start).at[1].set(case.truth.values - start[1])

    def at(step: float) -> jax.Array:
        return score(State(start + step * direction, LAYOUT))[1]

    gradient = jax.grad(at)(0.0)
    assert gradient > 0, "towards the truth the reward must grow"
    difference = (at(0.02) - at(-0.02)) / 0.04
    np.testing.assert_allclose(gradient, difference, rtol=0.05)


def test_the_name_is_that_of_the_configuration() -> None:
    built = build_rewards(
        NAMES, RewardInputs(RotatingModel, 12, jnp.zeros(GRID.shape), variability)
    )
    assert [reward.name for reward in built.values()] == list(NAMES) == list(built)
