"""The filter with lists of neighbours is the formula with every observation at every point."""

from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.assimilation.ensemble_transform import inverse_root
from align_da.assimilation.letkf import LETKF, Localisation
from align_da.assimilation.neighbourhoods import neighbourhoods, padded_length
from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate, limited_area
from align_da.constants import EARTH_RADIUS
from align_da.observations.batch import Flag, ObservationBatch, Vertical
from align_da.observations.correlated_errors import CorrelatedErrors
from align_da.observations.interpolation import InterpolationOperator, interpolation_operator

SIGMA = VerticalCoordinate("sigma", (0.2, 0.6, 0.95))
SPHERE = Grid(tuple(np.linspace(-90, 90, 9)), tuple(np.arange(16) * 22.5), SIGMA)
AREA = limited_area(tuple(np.linspace(30, 60, 7)), tuple(np.linspace(340, 385, 10)), SIGMA)
VARIABLES = ("temperature", "u_component_of_wind", "surface_pressure")
MEMBERS, INFLATION, RELAXATION = 6, 1.2, 0.4
KEY = jax.random.key(0)

GRIDS = {"sphere": SPHERE, "area": AREA}
REACHES = {
    "both": (2.5e6, 0.4),
    "blocks of columns": (9e6, 0.4),
    "radius alone": (2.5e6, None),
    "depth alone": (None, 0.4),
    "none": (None, None),
    "hardly any": (1e4, 0.4),
    "the whole sphere": (4e7, 0.4),
}


def background(grid: Grid) -> State:
    layout = Layout(grid, VARIABLES)
    return State(jax.random.normal(jax.random.key(1), (MEMBERS, *layout.shape)), layout)


def observations(grid: Grid, count: int = 40) -> ObservationBatch:
    """Some at poles and on both sides of 0 E, some flagged, some of these without a place."""
    chance = np.random.default_rng(2)
    west = grid.longitude[0] if not grid.periodic else 0.0
    latitude = chance.uniform(grid.latitude[0], grid.latitude[-1], count)
    longitude = (west + chance.uniform(0, 360 if grid.periodic else 45, count)) % 360
    latitude[:2] = grid.latitude[0], grid.latitude[-1]
    longitude[2:5] = 0.0, 359.9, 0.1
    flag = np.where(np.arange(count) % 7 == 5, int(Flag.BACKGROUND), int(Flag.PASS))
    latitude[5], longitude[12] = np.nan, np.nan
    value = chance.normal(size=count)
    value[19] = np.nan
    on_levels = chance.random(count) < 0.7
    numbers = jnp.asarray(np.stack([value, latitude, longitude]), jnp.float32)
    return ObservationBatch(
        value=numbers[0],
        error=jnp.asarray(chance.uniform(0.3, 1, count), jnp.float32),
        latitude=numbers[1],
        longitude=numbers[2],
        level=jnp.asarray(chance.uniform(0.1, 1, count), jnp.float32),
        vertical=jnp.asarray(np.where(on_levels, int(Vertical.LEVEL), int(Vertical.SURFACE))),
        time=jnp.zeros(count),
        variable=jnp.asarray(chance.integers(0, 3, count), jnp.int32),
        station=jnp.arange(count),
        flag=jnp.asarray(flag),
    )


def correlated(batch: ObservationBatch) -> CorrelatedErrors:
    """Errors of observations that follow each other have something in common."""
    step = np.arange(batch.error.size)
    std = np.asarray(batch.error, np.float64)
    both = 0.5 ** np.abs(step[:, None] - step) * std[:, None] * std
    return CorrelatedErrors(jnp.asarray(both, jnp.float32))


def taper(distance: np.ndarray, width: float | None) -> np.ndarray:
    """Gaspari and Cohn (1999), equation 4.10, in float64."""
    if width is None:
        return np.ones_like(distance)
    r = distance / width
    near = -(r**5) / 4 + r**4 / 2 + 5 * r**3 / 8 - 5 * r**2 / 3 + 1
    s = np.clip(r, 1, 2)
    far = s**5 / 12 - s**4 / 2 + 5 * s**3 / 8 + 5 * s**2 / 3 - 5 * s + 4 - 2 / (3 * s)
    return np.where(r <= 1, near, np.where(r < 2, np.maximum(far, 0), 0))


def dense(
    state: State, batch: ObservationBatch, reach: tuple[float | None, float | None], r: np.ndarray
) -> np.ndarray:
    """The analysis point by point, with all used observations that have a taper."""
    grid, used = state.layout.grid, np.flatnonzero(np.asarray(batch.flag) == Flag.PASS)
    x = np.asarray(state.values, np.float64)
    mean, apart = x.mean(axis=0), INFLATION * (x - x.mean(axis=0))
    y = np.asarray(interpolation_operator(batch, state.layout)(state), np.float64)[:, used]
    innovation = np.asarray(batch.value, np.float64)[used] - y.mean(axis=0)
    y = INFLATION * (y - y.mean(axis=0))
    north, east = (np.deg2rad(np.asarray(a, np.float64))[used] for a in places(batch))
    surface = np.asarray(batch.vertical)[used] == Vertical.SURFACE
    height = np.log(np.where(surface, SIGMA.levels[-1], np.asarray(batch.level)[used]))
    analysis = np.empty_like(x)
    for row, column, channel in np.ndindex(state.layout.shape):
        phi, lam = np.deg2rad(grid.latitude[row]), np.deg2rad(grid.longitude[column])
        cosine = np.sin(phi) * np.sin(north) + np.cos(phi) * np.cos(north) * np.cos(lam - east)
        apart_in_km = EARTH_RADIUS * np.arccos(np.clip(cosine, -1, 1))
        level = state.layout.channels[channel].level
        above = np.abs(np.log(SIGMA.levels[-1 if level is None else level]) - height)
        rho = taper(apart_in_km, reach[0]) * taper(above, reach[1])
        own = np.flatnonzero(rho > 0)
        error = r[np.ix_(used[own], used[own])]
        error = error + np.diag((1 / rho[own] - 1) * np.diag(error))
        scaled = np.linalg.solve(error, y[:, own].T)
        values, vectors = np.linalg.eigh((MEMBERS - 1) * np.eye(MEMBERS) + y[:, own] @ scaled)
        weight = vectors @ np.diag(1 / values) @ vectors.T @ scaled.T @ innovation[own]
        root = vectors @ np.diag(np.sqrt((MEMBERS - 1) / values)) @ vectors.T
        here = apart[:, row, column, channel]
        moved, before = here @ root, here / INFLATION
        moved = moved * (1 + RELAXATION * (before.std() - moved.std()) / moved.std())
        analysis[:, row, column, channel] = mean[row, column, channel] + here @ weight + moved
    return analysis


def places(batch: ObservationBatch) -> tuple[jax.Array, jax.Array]:
    return batch.latitude, batch.longitude


@pytest.mark.parametrize(
    ("grid", "reach", "errors"),
    [
        *(("sphere", reach, "independent") for reach in REACHES),
        ("area", "both", "independent"),
        *(("sphere", reach, "correlated") for reach in ("both", "depth alone", "none")),
    ],
)
def test_the_analysis_is_that_of_the_formula_at_every_point(
    grid: str, reach: str, errors: str
) -> None:
    state, batch = background(GRIDS[grid]), observations(GRIDS[grid])
    model = correlated(batch) if errors == "correlated" else None
    r = np.diag(np.asarray(batch.error, np.float64) ** 2)
    if model is not None:
        r = np.asarray(model.covariance, np.float64)
    method = filter_with(REACHES[reach], observation_errors=model)
    found = np.asarray(method(state, batch, 6.0, KEY)[0].values)
    np.testing.assert_allclose(found, dense(state, batch, REACHES[reach], r), atol=5e-5)


def filter_with(reach: tuple[float | None, float | None], **settings: object) -> LETKF:
    method = LETKF(interpolation_operator, Localisation(*reach), INFLATION, RELAXATION)
    return replace(method, **settings)


def test_lists_hold_what_is_within_reach_and_little_more() -> None:
    batch = observations(SPHERE, 200)
    for radius in (4e5, 9e6):
        found = neighbourhoods(batch, SPHERE, radius)
        used = np.flatnonzero(batch.used)
        for latitude, longitude, index in zip(
            found.latitude, found.longitude, np.asarray(found.index), strict=True
        ):
            far = distances((latitude, longitude), tuple(a[used] for a in places(batch))).min(0)
            listed = np.isin(used, index)
            assert listed[far < 2 * radius].all()
            assert not listed[far > 3.1 * radius].any()
            assert set(index) <= {*used, 200}


def distances(a: tuple[jax.Array, jax.Array], b: tuple[jax.Array, ...]) -> np.ndarray:
    (north, east), (phi, lam) = (
        [np.deg2rad(np.asarray(angle, np.float64)) for angle in pair] for pair in (a, b)
    )
    cosine = np.sin(north)[:, None] * np.sin(phi)
    cosine += np.cos(north)[:, None] * np.cos(phi) * np.cos(east[:, None] - lam)
    return EARTH_RADIUS * np.arccos(np.clip(cosine, -1, 1))


def test_an_observation_at_the_very_end_of_its_reach_changes_nothing() -> None:
    """At a pole; with a wider taper it has a part there."""
    radius = EARTH_RADIUS * np.deg2rad(11.25)
    state, one = background(SPHERE), jax.tree.map(lambda leaf: leaf[:1], observations(SPHERE))
    batch = replace(one, value=one.value + 50, latitude=jnp.asarray([67.5]))
    method = filter_with((radius, None), inflation=1.0, relaxation=0.0)
    wider = replace(method, localisation=Localisation(1.2 * radius))
    moved = {
        one.localisation.radius: np.abs(one(state, batch, 6.0, KEY)[0].values - state.values).max(
            axis=(0, 2, 3)
        )
        for one in (method, wider)
    }
    assert moved[radius][-1] < 1e-5
    assert moved[radius][-2] > 1
    assert moved[1.2 * radius][-1] > 1e-3


def test_padding_takes_no_room_in_the_lists() -> None:
    """Padded entries lie together at 0 N, 0 E; no list is made shorter than 128."""
    batch = observations(SPHERE)
    padding = jax.tree.map(lambda leaf: jnp.zeros(5000, leaf.dtype), batch)
    padding = replace(padding, flag=jnp.full(5000, int(Flag.MISSING)), error=jnp.ones(5000))
    longer = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), batch, padding)
    lists = [neighbourhoods(one, SPHERE, 2.5e6).index for one in (batch, longer)]
    assert lists[1].shape[-1] == max(128, lists[0].shape[-1])


def test_lists_have_few_lengths() -> None:
    lengths = {padded_length(count) for count in range(5000)}
    assert len(lengths) < 45
    assert all(count <= padded_length(count) <= max(8, 1.25 * count + 2) for count in range(5000))


def bound(batch: ObservationBatch) -> Callable[..., InterpolationOperator]:
    return lambda *_: interpolation_operator(batch, Layout(SPHERE, VARIABLES))


@pytest.mark.parametrize("traced", ["values", "flags", "places"])
def test_the_filter_may_be_traced(traced: str) -> None:
    """With places unknown every observation is in every list; a depth needs known levels."""
    state, batch = background(SPHERE), observations(SPHERE)
    reach = (2.5e6, None if traced == "places" else 0.4)
    method = filter_with(reach, operator_for=bound(batch))
    names = {"values": ["value"], "flags": ["flag"], "places": ["latitude", "longitude"]}[traced]

    @jax.jit
    @jax.vmap
    def analyse(arrays: list[jax.Array]) -> jax.Array:
        changed = replace(batch, **dict(zip(names, arrays, strict=True)))
        return method(state, changed, 6.0, KEY)[0].values

    twice = [jnp.stack([getattr(batch, name)] * 2) for name in names]
    expected = method(state, batch, 6.0, KEY)[0].values
    np.testing.assert_allclose(analyse(twice)[1], expected, atol=2e-5)


@pytest.mark.parametrize("count", [0, 3])
def test_without_any_observation_the_background_stays(count: int) -> None:
    state, batch = background(SPHERE), observations(SPHERE, 40)
    none = jax.tree.map(lambda leaf: leaf[:count], batch)
    none = replace(none, flag=jnp.full(count, int(Flag.MISSING)))
    for reach in ("both", "none"):
        found = filter_with(REACHES[reach])(state, none, 6.0, KEY)[0]
        np.testing.assert_array_equal(found.values, state.values)


@pytest.mark.parametrize("largest", [1.0, 1e2, 1e4, 1e7])
def test_the_root_of_a_matrix_is_that_of_its_eigenvalues(largest: float) -> None:
    """To the rounding error of the matrix itself, which a decomposition has too."""
    chance = np.random.default_rng(3)
    turn, _ = np.linalg.qr(chance.normal(size=(5, 12, 12)))
    values = np.geomspace(1.0, largest, 12)
    matrix = ((turn * values) @ np.swapaxes(turn, -1, -2)).astype(np.float32)
    found = np.asarray(jax.jit(inverse_root)(jnp.asarray(matrix)), np.float64)
    values, vectors = np.linalg.eigh(matrix.astype(np.float64))
    exact = (vectors / np.sqrt(values)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    np.testing.assert_allclose(found, exact, atol=max(2e-6, 2e-7 * largest**0.75))


@pytest.mark.parametrize("largest", [2.0, 1e3])
def test_the_derivative_of_the_root_is_that_of_its_eigenvalues(largest: float) -> None:
    """Forwards and backwards; eigenvalues come in pairs, where a decomposition has no derivative.

    With A = V diag(s²) Vᵀ the change of A^-½ is −V [Vᵀ dA V / (s_i² s_j + s_i s_j²)] Vᵀ.
    """
    chance = np.random.default_rng(4)
    turn, _ = np.linalg.qr(chance.normal(size=(5, 12, 12)))
    roots = np.sqrt(np.repeat(np.geomspace(1.0, largest, 6), 2))
    matrix = jnp.asarray((turn * roots**2) @ np.swapaxes(turn, -1, -2), jnp.float32)
    change, cotangent = chance.normal(size=(2, 5, 12, 12))
    change += np.swapaxes(change, -1, -2)
    inner = np.swapaxes(turn, -1, -2) @ change @ turn
    divisor = roots[:, None] * roots * (roots[:, None] + roots)
    exact = -turn @ (inner / divisor) @ np.swapaxes(turn, -1, -2)
    change, cotangent = jnp.asarray(change, jnp.float32), jnp.asarray(cotangent, jnp.float32)
    _, found = jax.jvp(inverse_root, (matrix,), (change,))
    np.testing.assert_allclose(found, exact, atol=3e-4 * np.abs(exact).max())
    _, back = jax.vjp(jax.jit(inverse_root), matrix)
    product = float(jnp.vdot(back(cotangent)[0], change))
    assert product == pytest.approx(float(np.vdot(cotangent, exact)), rel=2e-3, abs=1e-3)


def test_a_matrix_that_is_not_finite_has_no_root_and_no_endless_search() -> None:
    matrix = jnp.stack([jnp.eye(3), jnp.eye(3).at[0, 0].set(jnp.inf), jnp.full((3, 3), jnp.nan)])
    found = inverse_root(matrix)
    np.testing.assert_allclose(found[0], np.eye(3), atol=1e-6)
    assert not jnp.isfinite(found[1:]).all(axis=(1, 2)).any()
