"""Balance in standard deviations of the truth, on flows whose measures are known."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate, state_from_fields
from align_da.atmosphere.balance import EXTRATROPICAL_TROPOSPHERE, geostrophic_wind
from align_da.atmosphere.balance_score import (
    BalanceMeasures,
    balance_departures,
    balance_measures,
    balance_scores,
    balance_variability,
)
from align_da.atmosphere.gradient import horizontal_gradient
from align_da.constants import DRY_AIR_GAS_CONSTANT, EARTH_RADIUS
from align_da.errors import InputError

LEVELS = {
    "sigma": VerticalCoordinate("sigma", (0.1, 0.3, 0.6, 0.95)),
    "pressure": VerticalCoordinate("pressure", (1.0e4, 3.0e4, 5.0e4, 8.5e4)),
}
WINDS = ("u_component_of_wind", "v_component_of_wind")
TEMPERATURE = 260.0
DATES = 8


def grid_on(kind: str) -> Grid:
    latitude = tuple((np.arange(36) * 5.0 - 87.5).tolist())
    return Grid(latitude, tuple((np.arange(48) * 7.5).tolist()), LEVELS[kind])


def ground(kind: str) -> jax.Array:
    return jnp.full(grid_on(kind).shape, -1e5)


def with_winds(state: State, u: jax.Array, v: jax.Array) -> State:
    values = state.values
    for name, wind in zip(WINDS, (u, v), strict=True):
        values = values.at[..., state.layout.channels_of(name)].set(wind)
    return State(values, state.layout)


@cache
def weather(kind: str, date: int) -> State:
    """Waves in mass with their geostrophic wind and a tenth of a cross-isobar one."""
    grid, random = grid_on(kind), np.random.default_rng(date)
    lat, lon = np.meshgrid(np.deg2rad(grid.latitude), np.deg2rad(grid.longitude), indexing="ij")
    wave = sum(
        random.uniform(500, 900) * np.cos(k * lon + random.uniform(0, 6)) for k in (2, 3, 5)
    )
    mass = (np.cos(lat) ** 4 * wave - 9000 * np.sin(lat) ** 2)[..., None]
    levels = np.ones(grid.level_count)
    fields = {name: np.zeros((*grid.shape, levels.size)) for name in WINDS}
    fields["temperature"] = np.full((*grid.shape, levels.size), TEMPERATURE)
    if kind == "sigma":
        fields["surface_pressure"] = 1e5 * np.exp(mass / (DRY_AIR_GAS_CONSTANT * TEMPERATURE))
    else:
        column = (
            -DRY_AIR_GAS_CONSTANT * TEMPERATURE * np.log(np.asarray(LEVELS[kind].levels) / 1e5)
        )
        fields["geopotential"] = mass * levels + column
    calm = state_from_fields(fields, Layout(grid, tuple(fields)))
    u, v = geostrophic_wind(calm, ground(kind))
    across = random.uniform(0.08, 0.12)
    return with_winds(calm, u - across * v, v + across * u)


@cache
def variability(kind: str) -> BalanceMeasures:
    found = [balance_measures(weather(kind, date), ground(kind)) for date in range(DATES)]
    return balance_variability(found)


def winds_of(state: State) -> tuple[jax.Array, jax.Array]:
    return state[WINDS[0]], state[WINDS[1]]


def scaled(state: State, factor: float) -> State:
    u, v = winds_of(state)
    return with_winds(state, factor * u, factor * v)


def diverging(state: State, speed: float) -> State:
    """With the gradient of a random potential added, so many m/s in the mean."""
    grid = state.layout.grid
    potential = jax.random.normal(jax.random.key(0), (*grid.shape, 1))
    calm_at_the_poles = np.cos(np.deg2rad(grid.latitude))[:, None, None] ** 2
    x, y = horizontal_gradient(potential * calm_at_the_poles, grid)
    size = jnp.sqrt((x**2 + y**2).mean())
    u, v = winds_of(state)
    return with_winds(state, u + speed * x / size, v + speed * y / size)


@pytest.fixture(params=LEVELS)
def kind(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def test_measures_of_a_wind_across_isobars_are_its_closed_form(kind: str) -> None:
    """V = V_g + a k × V_g: imbalance a / √(1 + a²), strength 1."""
    state = weather(kind, 0)
    u, v = geostrophic_wind(state, ground(kind))
    found = balance_measures(with_winds(state, u - 0.2 * v, v + 0.2 * u), ground(kind))
    assert float(found.imbalance) == pytest.approx(0.2 / np.sqrt(1.04), rel=1e-3)
    assert float(found.strength) == pytest.approx(1.0, rel=1e-3)


def test_solid_rotation_has_no_divergence_and_no_tendency(kind: str) -> None:
    state = weather(kind, 0)
    flat = State(
        state.values.at[..., -1].set(1e5) if kind == "sigma" else state.values, state.layout
    )
    u = 20 * np.cos(np.deg2rad(state.layout.grid.latitude))[:, None, None]
    turning = with_winds(flat, jnp.broadcast_to(u, winds_of(state)[0].shape), jnp.zeros(()))
    found = balance_measures(turning, ground(kind))
    assert float(found.divergence) < 1e-4
    assert float(found.tendency) < 1e-4


def test_the_tendency_is_the_convergence_of_mass() -> None:
    """V = c sin φ cos φ at every level: ∇·V = c (cos² φ − 2 sin² φ) / a, ∂p_s/∂t = −p_s of it."""
    state = weather("sigma", 0)
    grid = state.layout.grid
    flat = State(state.values.at[..., -1].set(1e5), state.layout)
    lat = np.deg2rad(grid.latitude)[:, None, None]
    v = jnp.broadcast_to(np.sin(lat) * np.cos(lat), winds_of(state)[1].shape)
    found = balance_measures(with_winds(flat, jnp.zeros(()), v), ground("sigma"))
    exact = 1e5 * (np.cos(lat) ** 2 - 2 * np.sin(lat) ** 2) / EARTH_RADIUS

    weights = EXTRATROPICAL_TROPOSPHERE.weights(grid).sum(axis=(1, 2))[:, None, None]
    expected = np.sqrt((exact**2 * weights).sum())
    assert float(found.tendency) == pytest.approx(expected, rel=0.03)


def test_winds_five_per_cent_too_weak_are_told_from_the_truth(kind: str) -> None:
    truth = weather(kind, 3)
    z = balance_departures(scaled(truth, 0.95), truth, ground(kind), variability(kind))
    assert float(z["strength"]) < -3
    assert abs(float(z["divergence"])) < 1e-2  # a ratio of two that are both too weak
    weak = float(
        balance_scores(scaled(truth, 0.95), truth, ground(kind), variability(kind))["balance"]
    )
    weaker = float(
        balance_scores(scaled(truth, 0.9), truth, ground(kind), variability(kind))["balance"]
    )
    assert weaker < weak < 0.95


def test_random_divergence_is_told_from_the_truth_and_from_weak_winds(kind: str) -> None:
    truth = weather(kind, 3)
    z = balance_departures(diverging(truth, 1.0), truth, ground(kind), variability(kind))
    assert float(z["divergence"]) > 3
    assert float(z["tendency"]) > 3
    assert abs(float(z["strength"])) < 1


def test_the_score_is_one_at_the_truth_and_falls_with_the_distance(kind: str) -> None:
    truth = weather(kind, 1)
    scores = [
        float(
            balance_scores(diverging(truth, speed), truth, ground(kind), variability(kind))[
                "balance"
            ]
        )
        for speed in (0.0, 0.2, 1.0, 5.0, 25.0)
    ]
    assert scores[0] == 1.0
    assert np.all(np.diff(scores) < 0)
    assert scores[-1] > 0


def test_balance_is_batched_and_differentiable_even_at_rest(kind: str) -> None:
    truth = weather(kind, 0)
    batch = State(jnp.stack([truth.values, scaled(truth, 0.9).values]), truth.layout)
    scores = balance_scores(batch, truth, ground(kind), variability(kind))
    assert scores["balance"].shape == scores["tendency"].shape == (2,)
    assert float(scores["balance"][0]) == pytest.approx(1.0, abs=1e-3)

    def score(values: jax.Array) -> jax.Array:
        state = State(values, truth.layout)
        return balance_scores(state, truth, ground(kind), variability(kind))["balance"]

    for state in (truth, scaled(truth, 0.9), scaled(truth, 0.0)):
        assert np.isfinite(jax.grad(score)(state.values)).all()


def test_how_the_truth_varies_needs_dates() -> None:
    one = balance_measures(weather("sigma", 0), ground("sigma"))
    with pytest.raises(InputError, match="at least 2 dates"):
        balance_variability([one])


def test_a_truth_whose_balance_does_not_vary_has_a_thousandth_of_it_as_scale() -> None:
    one = balance_measures(weather("sigma", 0), ground("sigma"))
    found = balance_variability([one, one])
    np.testing.assert_allclose(
        jax.tree.leaves(found), 1e-3 * np.asarray(jax.tree.leaves(one)), rtol=1e-3
    )
