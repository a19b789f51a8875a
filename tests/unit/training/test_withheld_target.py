"""Withheld observations as all that a correction of analyses learns from."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from constant_network import SHAPE, Constant, loss_of
from flax import nnx

from align_da.assimilation.contract import LearnedIncrement
from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.errors import InputError
from align_da.observations import interpolation_operator, planned_observations
from align_da.observations.error_model import InstrumentErrors
from align_da.observations.networks import random_network
from align_da.training.analysis_correction import (
    Aggregated,
    MetCycles,
    cases_of,
    correction_loss,
    scaling_of,
)
from align_da.training.withheld_target import (
    WithheldTarget,
    judged_by_withheld,
    withheld_target,
)

LAYOUT = Layout(
    Grid(
        tuple(np.linspace(-67.5, 67.5, SHAPE[0]).tolist()),
        tuple((np.arange(SHAPE[1]) * 60.0).tolist()),
        VerticalCoordinate("sigma", (0.3, 0.8)),
    ),
    ("u_component_of_wind", "temperature", "surface_pressure"),
)
STD = jnp.asarray([3.0, 4.0, 2.0, 2.5, 300.0])
MEAN = State(jnp.full(LAYOUT.shape, 2.0), LAYOUT)
PLANNED = planned_observations(
    random_network(LAYOUT.grid, 0.5, jax.random.key(0)), LAYOUT, InstrumentErrors()
)
OPERATOR = interpolation_operator(PLANNED, LAYOUT)
WITHHELD = PLANNED.station % 2 == 0
JUDGED = judged_by_withheld()
NOTHING = jnp.zeros((*SHAPE, 1))


def learned(spread: float = 0.0) -> LearnedIncrement:
    """What a correction started from: the mean above, members so far apart in units of R."""
    fields = jnp.zeros(LAYOUT.shape)
    return LearnedIncrement(
        NOTHING,
        MEAN.values,
        fields,
        OPERATOR(MEAN),
        spread * PLANNED.error,
        fields,
        jnp.asarray(1.0),
    )


def met(value: jax.Array, spread: float = 0.0) -> MetCycles:
    """One cycle whose observations have this value."""
    observed = replace(PLANNED, value=value)
    target = withheld_target(observed, WITHHELD, learned(spread), OPERATOR, STD)
    return MetCycles(np.zeros((1, *SHAPE, 2), np.float32), target)


def normal(count: int, seed: int, error: float, spread: float) -> MetCycles:
    """Cycles with observations at grid points of one variable, with errors of one."""
    draw = np.random.default_rng(seed)
    shape = (count, 5)
    index = draw.integers(0, np.prod(SHAPE), (*shape, 1))
    target = WithheldTarget(
        (error + draw.normal(size=shape)).astype(np.float32),
        np.full(shape, spread, np.float32),
        index.astype(np.int32),
        np.ones((*shape, 1), np.float32),
        np.ones(shape, np.bool_),
    )
    return MetCycles(draw.normal(size=(count, *SHAPE, 2)).astype(np.float32), target)


def test_the_increment_that_explains_the_departures_leaves_nothing() -> None:
    """A field of increments, seen through H: on slopes, between levels and across the pole."""
    increment = jax.random.normal(jax.random.key(1), LAYOUT.shape)
    truth = State(MEAN.values + STD * increment, LAYOUT)
    target = met(OPERATOR(truth)).target
    departure, _ = JUDGED(target, jnp.zeros((1, *LAYOUT.shape)), None)
    left, told = JUDGED(target, increment[None], None)
    assert float(departure) > 2
    assert float(left) < 1e-8
    assert float(told["unexplained"]) == pytest.approx(-1 / (float(departure) - 1), rel=1e-4)


def test_what_was_not_withheld_says_nothing() -> None:
    """Neither its value nor a NaN in it, in the loss or in the gradient."""
    far = OPERATOR(MEAN) + 3 * PLANNED.error
    seen, other = (jnp.where(WITHHELD, far, what) for what in (jnp.nan, 77.0))
    graph, params = nnx.split(Constant([0.1] * 10))
    loss = correction_loss(graph, JUDGED, scales_spread=True)
    found = [
        jax.value_and_grad(loss, has_aux=True)(params, met(value, 0.5), jax.random.key(0))
        for value in (seen, other)
    ]
    for one, another in zip(*map(jax.tree.leaves, found), strict=True):
        assert np.isfinite(one).all()
        np.testing.assert_array_equal(one, another)


def test_errors_that_are_what_r_says_are_no_error_of_the_analysis() -> None:
    """Of departures of variance 1 + 0.5², a fifth; the increment of a half explains all of it."""
    batch = normal(4000, 0, error=0.5, spread=1.0)
    nothing, half = (loss_of([out], batch, JUDGED, scales_spread=False) for out in (0.0, 0.5))
    assert nothing["unexplained"] == pytest.approx(1)
    assert half["unexplained"] == pytest.approx(0, abs=0.1)
    assert half["loss"] == pytest.approx(1, rel=0.03)


def test_the_share_of_a_variable_is_that_of_its_own_observations() -> None:
    """Increments explain the departures of the wind, which is on two levels, and no other."""
    increment = jnp.zeros(LAYOUT.shape).at[..., :2].set(3.0)
    truth = State(MEAN.values + STD * increment.at[..., 2:].set(3.0), LAYOUT)
    variables = {name: LAYOUT.channels_of(name) for name in LAYOUT.variables}
    target = met(OPERATOR(truth)).target
    _, told = judged_by_withheld(variables)(target, increment[None], None)
    assert float(told["unexplained_u_component_of_wind"]) < 0
    assert float(told["unexplained_temperature"]) == pytest.approx(1)
    assert 0 < float(told["unexplained"]) < 1


def test_departures_smaller_than_r_leave_the_share_unknown() -> None:
    batch = met(OPERATOR(MEAN))
    assert np.isnan(loss_of([0.0] * 5, batch, JUDGED, scales_spread=False)["unexplained"])


def test_the_crps_is_least_where_mean_and_spread_are_right() -> None:
    """Members with a spread of 0.8, and departures of variance one beside those of R."""
    draw = np.random.default_rng(2)
    batch = normal(4000, 1, error=0.3, spread=0.8)
    apart = batch.target.departure + draw.normal(size=batch.target.departure.shape)
    target = replace(batch.target, departure=apart.astype(np.float32))
    batch = MetCycles(batch.evidence, target)
    scale = float(np.arctanh(np.log(1 / 0.8) / 0.25))
    right, *others = (
        loss_of(out, batch, JUDGED, scales_spread=True)["loss"]
        for out in ([0.3, scale], [0.0, scale], [0.6, scale], [0.3, 0.0], [0.3, 2.0])
    )
    assert min(others) > right
    assert right == pytest.approx(np.sqrt(2) / np.sqrt(np.pi), rel=0.02)


def test_increments_have_the_unit_of_the_spread_where_the_error_is_not_known() -> None:
    """Winds are 0.5 errors of 3 m/s or so apart, of states that vary by 3 and 4 m/s."""
    batch = met(OPERATOR(MEAN) + 1.0, spread=0.5)
    scaling = scaling_of(batch, channels=5)
    error = np.asarray(PLANNED.error)
    wind, pressure = (error[np.asarray(PLANNED.variable) == n][0] for n in (0, 2))
    np.testing.assert_allclose(scaling.error_std[:2], 0.5 * wind / np.asarray(STD[:2]), rtol=0.3)
    assert float(scaling.error_std[4]) == pytest.approx(0.5 * pressure / 300, rel=0.2)
    scaled = cases_of(batch, scaling)[0](np.asarray([0])).target
    increment = jax.random.normal(jax.random.key(3), (1, *LAYOUT.shape))
    one, other = (
        JUDGED(target, given, None)[0]
        for target, given in ((batch.target, increment * scaling.error_std), (scaled, increment))
    )
    assert float(one) == pytest.approx(float(other), rel=1e-5)


def test_a_channel_that_nobody_observes_has_the_unit_of_the_others() -> None:
    scaling = scaling_of(normal(10, 0, error=0.0, spread=0.7), channels=1)
    assert float(scaling.error_std[0]) == pytest.approx(0.7)
    target = replace(normal(10, 0, error=0.0, spread=0.7).target, index=np.zeros((10, 5, 1), int))
    np.testing.assert_allclose(target.typical(3), 0.7, rtol=1e-6)


def test_cycles_of_several_rounds_are_joined() -> None:
    parts = tuple(normal(count, count, 0.0, 1.0) for count in (2, 3))
    found = Aggregated(parts).rows(np.asarray([4, 0]))
    np.testing.assert_array_equal(found.target.index[0], parts[1].target.index[2])
    np.testing.assert_array_equal(found.target.departure[1], parts[0].target.departure[0])


def test_cycles_that_have_withheld_nothing_are_refused() -> None:
    batch = normal(3, 0, 0.0, 1.0)
    target = replace(batch.target, counted=np.zeros((3, 5), np.bool_))
    with pytest.raises(InputError, match=r"got none in 3 cycles: raise correction\.withheld"):
        scaling_of(MetCycles(batch.evidence, target), channels=1)
