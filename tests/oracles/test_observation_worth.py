"""What an observation is worth is what an analysis with another value, or without it, says."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.assimilation.letkf import LETKF, Localisation
from align_da.atmosphere import Layout, State
from align_da.atmosphere.plain_grids import periodic_line
from align_da.observations.batch import Flag, ObservationBatch
from align_da.observations.interpolation import interpolation_operator
from align_da.verification.observation_worth import ObservedCycle, influence_of, worth_of

LAYOUT = Layout(periodic_line(12), ("abstract_field",))
MEMBERS, COUNT = 6, 5
KEY = jax.random.key(0)
GLOBAL = LETKF(interpolation_operator, Localisation(), inflation=1.3)


def background() -> State:
    return State(jax.random.normal(jax.random.key(1), (MEMBERS, *LAYOUT.shape)), LAYOUT)


def observations() -> ObservationBatch:
    chance = np.random.default_rng(2)
    numbers = jnp.asarray(chance.uniform(0.5, 1.5, (3, COUNT)), jnp.float32)
    whole = jnp.arange(COUNT, dtype=jnp.int32)
    return ObservationBatch(
        value=numbers[0],
        error=numbers[1],
        latitude=jnp.zeros(COUNT),
        longitude=40.0 * whole + 10 * numbers[2],
        level=jnp.zeros(COUNT),
        vertical=0 * whole,
        time=jnp.zeros(COUNT),
        variable=0 * whole,
        station=whole,
        flag=0 * whole,
    )


def equivalent_of(batch: ObservationBatch, method: LETKF = GLOBAL) -> np.ndarray:
    return np.asarray(method(background(), batch, 6.0, KEY)[1].analysis_equivalent, np.float64)


def influences(batch: ObservationBatch, method: LETKF = GLOBAL) -> np.ndarray:
    analysis, _ = method(background(), batch, 6.0, KEY)
    members = np.asarray(interpolation_operator(batch, LAYOUT)(analysis))
    return influence_of(members, np.asarray(batch.error), np.asarray(batch.used))


def test_the_influence_is_the_derivative_of_the_analysis_by_the_observation() -> None:
    batch = observations()
    found = influences(batch)
    for place in range(COUNT):
        moved = replace(batch, value=batch.value.at[place].add(1.0))
        change = equivalent_of(moved)[place] - equivalent_of(batch)[place]
        assert found[place] == pytest.approx(change, rel=1e-4)


def test_what_is_left_out_leaves_a_residual_that_the_influence_foretells() -> None:
    """That is the residual with it, over 1 − influence."""
    batch = observations()
    found, residual = influences(batch), np.asarray(batch.value) - equivalent_of(batch)
    for place in range(COUNT):
        less = replace(batch, flag=batch.flag.at[place].set(int(Flag.PASSIVE)))
        left = float(batch.value[place]) - equivalent_of(less)[place]
        assert left == pytest.approx(residual[place] / (1 - found[place]), rel=1e-3)


def test_alone_an_observation_has_the_share_that_is_its_weight_and_its_influence() -> None:
    batch = observations()
    alone = replace(batch, flag=jnp.full(COUNT, int(Flag.PASSIVE)).at[2].set(int(Flag.PASS)))
    members = np.asarray(interpolation_operator(batch, LAYOUT)(background()), np.float64)
    spread = members.std(axis=0, ddof=1)
    cycle = ObservedCycle(
        alone,
        LAYOUT,
        members.mean(axis=0),
        equivalent_of(alone),
        spread,
        GLOBAL.inflation * spread,
        np.hypot(spread, np.asarray(batch.error)),
        influences(alone),
    )
    row = worth_of(cycle, np.arange(COUNT) == 2).loc[2]
    assert row["share"] == pytest.approx(row["weight"], rel=1e-4)
    assert row["influence"] == pytest.approx(row["weight"], rel=1e-4)
    assert row["innovation"] == pytest.approx(row["value"] - row["background"])


def test_what_is_not_used_has_no_influence() -> None:
    batch = replace(observations(), flag=jnp.full(COUNT, int(Flag.BACKGROUND)).at[0].set(0))
    found = influences(batch)
    assert found[0] > 0
    assert list(found[1:]) == [0.0] * (COUNT - 1)
