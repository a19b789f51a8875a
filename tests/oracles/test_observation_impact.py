"""Impacts of observations are what they are where the change of the error is known."""

from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.assimilation.letkf import LETKF, Localisation
from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.atmosphere.plain_grids import periodic_line
from align_da.observations.batch import Flag, ObservationBatch, Vertical
from align_da.observations.interpolation import interpolation_operator
from align_da.verification.observation_impact import ForecastErrors, impacts_of

LAYOUT = Layout(periodic_line(24), ("abstract_field",))
MEMBERS, COUNT = 40, 12
BIASED = 5
KEY = jax.random.key(0)
HERE = np.full(LAYOUT.shape, 1 / 24)


def forecast(values: jax.Array) -> jax.Array:
    """A wave that moves on, decays, and changes its shape: linear."""
    return 0.9 * jnp.roll(values, 2, axis=-2) + 0.2 * jnp.roll(values, 1, axis=-2)


def correlated(key: jax.Array, *shape: int) -> jax.Array:
    """Errors that are alike at neighbouring points."""
    white = jax.random.normal(key, (*shape, *LAYOUT.shape))
    return sum(jnp.roll(white, shift, axis=-2) for shift in range(-2, 3)) / 5**0.5


@cache
def truth() -> jax.Array:
    return correlated(jax.random.key(1))


def background(seed: int) -> State:
    """Members and truth are draws of one distribution."""
    centre = truth() + correlated(jax.random.key(100 + seed))
    return State(centre + correlated(jax.random.key(200 + seed), MEMBERS), LAYOUT)


def observations(seed: int, bias: float = 0.0) -> ObservationBatch:
    """Every second point with an error of 0.5; one station may be wrong by a bias."""
    whole = jnp.arange(COUNT, dtype=jnp.int32)
    noise = 0.5 * jax.random.normal(jax.random.key(300 + seed), (COUNT,))
    nothing = jnp.zeros(COUNT)
    places = ObservationBatch(
        value=nothing,
        error=nothing + 0.5,
        latitude=nothing,
        longitude=30.0 * whole,
        level=nothing,
        vertical=0 * whole,
        time=nothing,
        variable=0 * whole,
        station=whole,
        flag=0 * whole,
    )
    value = interpolation_operator(places, LAYOUT)(State(truth(), LAYOUT)) + noise
    return replace(places, value=value.at[BIASED].add(bias))


def judged(
    state: State, batch: ObservationBatch, localisation: Localisation
) -> tuple[np.ndarray, ForecastErrors]:
    """Impacts, and the errors of the forecasts."""
    method = LETKF(interpolation_operator, localisation, inflation=1.1)
    analysis, report = method(state, batch, 6.0, KEY)
    after = forecast(truth())
    errors = ForecastErrors(
        State(forecast(analysis.values), LAYOUT),
        forecast(analysis.values.mean(axis=0)) - after,
        forecast(state.values.mean(axis=0)) - after,
        HERE,
    )
    innovation = np.asarray(batch.value - report.background_equivalent, np.float64)
    equivalents = interpolation_operator(batch, LAYOUT)(analysis)
    return impacts_of(errors, equivalents, innovation, batch, localisation), errors


def test_without_localisation_the_impacts_of_a_linear_forecast_add_up_to_the_change() -> None:
    for seed in range(3):
        found, errors = judged(background(seed), observations(seed), Localisation())
        assert found.sum() == pytest.approx(errors.change, rel=1e-3)
        assert errors.change < 0


def test_with_localisation_as_wide_as_the_errors_they_nearly_do() -> None:
    wide = Localisation(radius=5 * LAYOUT.grid.spacing)
    pairs = [judged(background(seed), observations(seed), wide) for seed in range(5)]
    found, change = (
        sum(values) for values in zip(*((it.sum(), e.change) for it, e in pairs), strict=True)
    )
    assert found == pytest.approx(change, rel=0.25)


def test_a_station_with_a_harmful_bias_has_the_impact_that_is_worst_and_positive() -> None:
    near = Localisation(radius=3 * LAYOUT.grid.spacing)
    total = sum(judged(background(s), observations(s, 4.0), near)[0] for s in range(8))
    assert np.argmax(total) == BIASED
    assert total[BIASED] > 0
    without = []
    for seed in range(8):
        batch = observations(seed, 4.0)
        less = replace(batch, flag=batch.flag.at[BIASED].set(int(Flag.PASSIVE)))
        both = (judged(background(seed), it, near)[1].change for it in (batch, less))
        without.append(np.subtract(*both))
    assert np.mean(without) > 0  # forecasts are better without it


def test_what_is_not_used_has_no_impact_whatever_it_holds() -> None:
    batch = observations(0)
    broken = replace(
        batch,
        flag=batch.flag.at[3].set(int(Flag.BACKGROUND)),
        value=batch.value.at[3].set(jnp.nan),
    )
    found, _ = judged(background(0), broken, Localisation())
    assert found[3] == 0
    assert np.isfinite(found).all()


def test_an_observation_has_no_impact_beyond_its_reach() -> None:
    """Members that are alike everywhere correlate at any distance; the error lies at one point."""
    levels = VerticalCoordinate("sigma", (0.1, 0.9))
    layout = Layout(Grid((-45.0, 45.0), (0.0, 90.0, 180.0, 270.0), levels), ("temperature",))
    members = jnp.broadcast_to(jnp.arange(3.0)[:, None, None, None], (3, *layout.shape))
    error = jnp.zeros(layout.shape).at[0, 0, 0].set(1.0)
    errors = ForecastErrors(State(members, layout), error, error, np.ones(layout.shape))
    one = jnp.ones(1)
    localisation = Localisation(radius=2e6, depth=0.5)
    impact = {}
    for level, longitude in ((0.1, 0.0), (0.9, 0.0), (0.1, 180.0)):
        batch = ObservationBatch(
            value=one,
            error=one,
            latitude=-45.0 * one,
            longitude=longitude * one,
            level=level * one,
            vertical=jnp.full(1, int(Vertical.LEVEL)),
            time=0 * one,
            variable=jnp.zeros(1, jnp.int32),
            station=jnp.zeros(1, jnp.int32),
            flag=jnp.zeros(1, jnp.int32),
        )
        found = impacts_of(errors, members[:, 0, 0, :1], np.ones(1), batch, localisation)
        impact[level, longitude] = found[0]
    assert impact[0.1, 0.0] == pytest.approx(2.0)  # 1/2 (1 + 0 + 1) times the sum of both errors
    assert impact[0.1, 180.0] == 0
    assert impact[0.9, 0.0] == 0
