"""The laboratory of alignment: its rewards, its three ways to learn, its tables."""

from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from align_da.alignment.hacking_monitor import HackingMonitor
from align_da.assimilation.analysis_correction import CorrectedAnalysis, EvidenceScaling
from align_da.forecast import Lorenz96ForecastModel
from align_da.training.plan import TrainingPlan
from align_da.verification.ensemble_scores import fair_crps
from experiments.alignment.aligning import Row, aligned, without_learning
from experiments.alignment.begun import Begun, begun_with
from experiments.alignment.chunks import Chunk
from experiments.alignment.futures import LEADS, REWARDED, states_ahead
from experiments.alignment.learners import EvolutionPlan, return_over, some_of, with_gains
from experiments.alignment.picture import draw
from experiments.alignment.rewards import AheadTarget, Reward
from experiments.alignment.scoring import PHASES, scores_after
from experiments.alignment.starts import RECIPE, start_of
from experiments.alignment.tables import COLUMNS, CONTROL, by_lead, result, show
from experiments.closed_loop.learning import untrained
from experiments.closed_loop.worlds import LAYOUT, Filter, World, with_missing_tendency

WORLD = World(
    Lorenz96ForecastModel(step=0.05, steps=1),
    with_missing_tendency(steps=1),
    1.0,
    5,
    Filter(2.0, 1.1, 0.0),
)
PLAN = TrainingPlan(6, 8, 1e-3, 1, 0.0, 1.0, 0.0, 3, early_stopping=False, patience=1)
EVOLUTION = EvolutionPlan(generations=1, pairs=2, radius=0.05, learning_rate=0.02)
CRPS = Reward("crps", REWARDED)
CHANCE = np.random.default_rng(0)


@cache
def start() -> CorrectedAnalysis:
    """A network that corrects something."""
    method = untrained(WORLD, RECIPE, 0)
    leaves, structure = jax.tree.flatten(method.correction.network)
    keys = jax.random.split(jax.random.key(3), len(leaves))
    network = jax.tree.unflatten(
        structure,
        [
            leaf + 0.05 * jax.random.normal(k, leaf.shape)
            for leaf, k in zip(leaves, keys, strict=True)
        ],
    )
    inputs = len(RECIPE.evidence)
    scaling = EvidenceScaling(jnp.zeros(inputs), jnp.ones(inputs), jnp.asarray([0.1]))
    correction = replace(method.correction, network=network, scaling=scaling)
    return replace(method, correction=correction)


@cache
def begun() -> Begun:
    return begun_with(WORLD, start(), (0, 1, 2), 2)


@cache
def of_start(chunks: int) -> list[Chunk]:
    return without_learning(WORLD, start(), begun(), chunks, 0)


def normal(*shape: int) -> jax.Array:
    return jnp.asarray(CHANCE.normal(size=shape), jnp.float32)


def target(cases: int = 2) -> AheadTarget:
    truth = 3 + normal(cases, len(LEADS), *LAYOUT.shape)
    members = 3 + normal(cases, 5, *LAYOUT.shape)
    return AheadTarget(members, truth, truth, jnp.ones((cases, 1)))


def test_leads_follow_each_other_and_the_first_is_the_analysis() -> None:
    states = 3 + normal(2, *LAYOUT.shape)
    found = states_ahead(WORLD.model, states, (0, 1, 2))
    np.testing.assert_array_equal(found[0], states)
    once = states_ahead(WORLD.model, states, (2,))[0]
    np.testing.assert_allclose(found[2], once, atol=1e-5)


def test_the_crps_of_forecasts_is_what_verification_computes() -> None:
    case = target()
    found = Reward("crps", (1,)).loss(WORLD, case.members, case)
    ahead = [states_ahead(WORLD.model, members, (1,))[0] for members in case.members]
    exact = [
        fair_crps(one, truth[1], centred=True).mean()
        for one, truth in zip(ahead, np.asarray(case.truth), strict=True)
    ]
    assert float(found) == pytest.approx(np.mean(exact), rel=1e-5)


@pytest.mark.parametrize("kind", ["crps", "squared", "observed"])
def test_the_gradient_of_a_forecast_reward_is_that_of_finite_differences(kind: str) -> None:
    case, reward = target(), Reward(kind, REWARDED)
    direction = normal(2, *LAYOUT.shape)
    factor = jnp.ones((2, *LAYOUT.shape))

    @jax.jit
    @jax.value_and_grad
    def loss(size: jax.Array) -> jax.Array:
        return reward.judged(WORLD)(case, size * direction, 1 + 0.1 * size * factor)[0]

    step = 1e-2
    (later, _), (before, _), (_, slope) = (loss(jnp.float32(at)) for at in (step, -step, 0.0))
    expected = float((later - before) / (2 * step))
    assert float(slope) == pytest.approx(expected, rel=2e-2, abs=2e-3)


def test_the_null_control_knows_the_truth_of_the_analysis_and_nothing_of_what_follows() -> None:
    case = target()
    other = replace(case, truth=case.truth.at[:, 1:].add(5.0))
    losses = [Reward("squared").loss(WORLD, one.members, one) for one in (case, other)]
    assert losses[0] == losses[1]


def test_the_reward_by_observations_reads_no_truth() -> None:
    case = target()
    blind = replace(case, truth=jnp.full_like(case.truth, jnp.nan))
    assert jnp.isfinite(Reward("observed", REWARDED).loss(WORLD, blind.members, blind))


def test_a_reward_that_holds_the_spread_moves_the_mean_and_leaves_the_spread_to_the_control() -> (
    None
):
    case, one = target(), jnp.ones((2, *LAYOUT.shape))
    held, free = Reward("squared", REWARDED, holds_spread=True), Reward("squared", REWARDED)

    @partial(jax.grad, argnums=(1, 2))
    def slope(reward: Reward, increment: jax.Array, factor: jax.Array) -> jax.Array:
        return reward.judged(WORLD)(case, increment, factor)[0]

    still = 0 * one
    of_mean, of_spread = slope(held, still, one)
    np.testing.assert_allclose(of_mean, slope(free, still, one)[0], rtol=1e-5)
    control = slope(Reward("analysis"), still, one)[1]
    assert float(jnp.abs(control).max()) > 0
    np.testing.assert_allclose(of_spread, control, rtol=1e-5)


def test_a_winner_is_the_member_whose_forecast_is_best() -> None:
    """Where the last member is what was true, it is the winner, and the mean is drawn to it."""
    case = target(1)
    ahead = jnp.stack(states_ahead(WORLD.model, case.members[0], LEADS), axis=1)
    case = replace(case, truth=ahead[-1:])

    @jax.jit
    @jax.grad
    def slope_at(move: jax.Array) -> jax.Array:
        judged = Reward("winners", (0, 1)).judged(WORLD)
        return judged(case, move, jnp.ones((1, *LAYOUT.shape)))[0]

    slope = slope_at(jnp.zeros((1, *LAYOUT.shape)))
    towards = case.members[:, -1] - case.members.mean(axis=1)
    np.testing.assert_allclose(-slope, 2 * towards / towards.size, atol=1e-5)


def test_the_gradient_of_a_return_is_that_of_finite_differences() -> None:
    """Through forecasts, filter and correction of two cycles, by a gain of the spread."""
    method = with_gains(start())
    returned = return_over(WORLD, method, Reward("squared", (1,)))
    states, keys = some_of(begun(), 2, jax.random.key(0))

    @jax.jit
    @jax.value_and_grad
    def loss(gain: jax.Array) -> jax.Array:
        gains = replace(method.gains, update=gain * method.gains.update)
        return returned(replace(method, gains=gains), states, keys)

    step = 1e-2
    (later, _), (before, _), (_, slope) = (
        loss(jnp.float32(at)) for at in (1 + step, 1 - step, 1.0)
    )
    expected = float((later - before) / (2 * step))
    assert float(slope) == pytest.approx(expected, rel=3e-2)


def test_a_return_is_the_same_whenever_it_is_asked_for_and_other_errors_give_another() -> None:
    method = start()
    returned = jax.jit(return_over(WORLD, method, CRPS))
    batch = some_of(begun(), 1, jax.random.key(0))
    assert returned(method, *batch) == returned(method, *batch)
    other = some_of(replace(begun(), number=5), 1, jax.random.key(0))
    assert returned(method, *batch) != returned(method, *other)


ROWS = {
    "cases": Row(CRPS, PLAN),
    "evolution": Row(CRPS, EVOLUTION, cycles=1),
    "through cycles": Row(CRPS, PLAN, cycles=2),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_changes_what_it_learns_and_is_held_against_its_start(name: str) -> None:
    found = aligned(WORLD, start(), ROWS[name], of_start(2), 0)
    assert len(found.looks) == 2
    before = with_gains(start()) if name == "evolution" else start()
    pairs = zip(jax.tree.leaves(before), jax.tree.leaves(found.method), strict=True)
    assert any(not np.array_equal(old, new) for old, new in pairs)
    assert found.looks[0]["forecast CRPS"] == pytest.approx(1, abs=0.2)
    assert found.looks[0]["forecast CRPS"] != 1


def test_what_learns_nothing_looks_like_its_start() -> None:
    row = replace(ROWS["cases"], plan=replace(PLAN, learning_rate=0.0))
    found = aligned(WORLD, start(), row, of_start(2), 0)
    for look in found.looks:
        assert set(look.values()) == {1.0}


def test_a_row_that_is_hacked_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its monitor is told of looks in which the reward gets better and another lead worse."""
    numbers = iter(range(10))

    def look(_: np.ndarray) -> dict[str, float]:
        number = next(numbers)
        return {"reward": 1 - 0.1 * number, "other": 1 + 0.1 * number}

    same = [replace(chunk, look={"reward": 1.0, "other": 1.0}) for chunk in of_start(4)]
    monkeypatch.setattr("experiments.alignment.chunks.look_at", look)
    monitor = HackingMonitor("reward", ("other",), looks=1)
    found = aligned(WORLD, start(), replace(ROWS["cases"], monitor=monitor), same, 0)
    assert len(found.looks) == 2
    assert "held-out ones are worse: other +10.0%" in found.stopped


def test_scores_are_of_every_trajectory_and_of_the_phases_that_have_begun() -> None:
    rows = list(scores_after(WORLD, start(), begun(), cycles=2))
    assert [row[:2] for row in rows] == [("1", 0), ("1", 1), ("1", 2)]
    assert {len(row) for row in rows} == {len(COLUMNS) - 2}
    assert all(np.isfinite(row[2:]).all() for row in rows)


def test_a_start_is_trained_once_and_read_again(tmp_path: Path) -> None:
    asked = []

    def train(*given: object) -> CorrectedAnalysis:
        asked.append(given)
        return start()

    found = [start_of(WORLD, "small", tmp_path, train) for _ in range(2)]
    assert len(asked) == 1
    for one, other in zip(*map(jax.tree.leaves, found), strict=True):
        np.testing.assert_array_equal(one, other)
    assert jax.tree.structure(found[0].correction) == jax.tree.structure(found[1].correction)


def rows_of(row: str, seed: int, factor: float) -> list[tuple[object, ...]]:
    """Scores whose trajectories differ by a quarter, alike for all rows."""
    chance = np.random.default_rng(seed)
    hard, noise = chance.normal(2, 0.5, 12), np.random.default_rng(len(row)).normal(size=12)
    errors = factor * hard + 0.01 * noise
    return [
        (row, seed, phase, n, *[error] * (2 * len(LEADS)), 0.9 * error)
        for phase in PHASES
        for n, error in enumerate(errors)
    ]


SCORES = pd.DataFrame(
    [
        found
        for row, factor in ((CONTROL, 1.0), ("forecast CRPS", 0.9))
        for seed in range(3)
        for found in rows_of(row, seed, factor)
    ],
    columns=COLUMNS,
)


def test_a_gain_is_over_continued_training_and_paired_by_training_and_trajectory() -> None:
    found = result(SCORES).set_index("row")
    assert found.loc[CONTROL, "analysis"] == 0
    gain = found.loc["forecast CRPS"]
    assert gain["forecast"] == pytest.approx(0.1, abs=0.01)
    assert 0 < gain["forecast_high"] - gain["forecast_low"] < 0.06
    assert gain["seeds"] == 3
    assert gain["spread_over_rmse"] == pytest.approx(0.9)


def test_a_row_of_fewer_trainings_is_held_against_the_same_of_the_control() -> None:
    fewer = SCORES[(SCORES["row"] == CONTROL) | (SCORES["seed"] == 0)]
    gain = result(fewer).set_index("row").loc["forecast CRPS"]
    assert gain["seeds"] == 1
    assert gain["analysis"] == pytest.approx(0.1, abs=0.01)


def test_gains_are_shown_in_percent_by_lead_and_by_the_time_after_the_switch() -> None:
    text = show(SCORES)
    assert "forecast_crps, cycle 120" in text
    assert "| +10." in text or "| +9." in text
    assert set(by_lead(SCORES, "crps")["lead"]) == {*LEADS}
    assert draw(SCORES).startswith(b"\x89PNG")
