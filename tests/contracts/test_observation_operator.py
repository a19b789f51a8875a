"""What every observation operator must do, whatever it observes."""

from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.observations import ObservationBatch, ObservationOperator, Vertical
from align_da.observations.coarsening import coarsening_operator
from align_da.observations.function_operator import FunctionOperator
from align_da.observations.interpolation import interpolation_operator
from align_da.observations.sources import stacked_operator
from align_da.observations.wind_speed import wind_speed_operator

Build = Callable[[ObservationBatch, Layout], ObservationOperator]


def coarsening(batch: ObservationBatch, layout: Layout) -> ObservationOperator:
    latitude = tuple((-90 + 36 * (np.arange(5) + 0.5)).tolist())
    return coarsening_operator(Grid(latitude, longitudes(7), layout.grid.vertical))(batch, layout)


def two_halves(batch: ObservationBatch, layout: Layout) -> ObservationOperator:
    size = batch.value.shape[0]
    sources = [(size // 2, interpolation_operator), (size - size // 2, interpolation_operator)]
    return stacked_operator(sources)(batch, layout)


def of_a_function(batch: ObservationBatch, layout: Layout) -> ObservationOperator:
    interpolated = interpolation_operator(batch, layout)
    return FunctionOperator(lambda values: interpolated(State(values, layout)) ** 2)


OPERATORS: dict[str, tuple[Build, bool]] = {  # how it is bound, and whether it is linear
    "interpolation": (interpolation_operator, True),
    "coarsening": (coarsening, True),
    "two sources": (two_halves, True),
    "wind_speed": (wind_speed_operator, False),
    "function": (of_a_function, False),
}
LINEAR = [name for name, (_, linear) in OPERATORS.items() if linear]
NONLINEAR = [name for name, (_, linear) in OPERATORS.items() if not linear]
SIGMA = VerticalCoordinate("sigma", (0.1, 0.3, 0.6, 0.95))
PRESSURE = VerticalCoordinate("pressure", (1.0e4, 5.0e4, 8.5e4))
VARIABLES = ("u_component_of_wind", "v_component_of_wind", "temperature", "surface_pressure")


def gaussian_latitudes(count: int) -> tuple[float, ...]:
    return tuple(np.rad2deg(np.arcsin(np.polynomial.legendre.leggauss(count)[0])).tolist())


def longitudes(count: int, start: float = 0.0) -> tuple[float, ...]:
    return tuple((start + np.arange(count) * 360 / count).tolist())


LAYOUTS = {
    "gaussian": Layout(Grid(gaussian_latitudes(12), longitudes(24), SIGMA), VARIABLES),
    "poles on the grid": Layout(
        Grid(tuple(np.linspace(-90, 90, 13).tolist()), longitudes(24), PRESSURE), VARIABLES
    ),
    "odd longitudes": Layout(Grid(gaussian_latitudes(8), longitudes(15, 7.0), SIGMA), VARIABLES),
}


@pytest.fixture(params=list(LAYOUTS))
def layout(request: pytest.FixtureRequest) -> Layout:
    return LAYOUTS[request.param]


def batch_at(
    latitude: np.ndarray,
    longitude: np.ndarray,
    level: np.ndarray | float,
    variable: np.ndarray | int,
    vertical: np.ndarray | int = int(Vertical.LEVEL),
) -> ObservationBatch:
    shape = np.shape(latitude)

    def numbers(values: np.ndarray | float) -> jax.Array:
        return jnp.asarray(np.broadcast_to(np.asarray(values, float), shape))

    def integers(values: np.ndarray | int) -> jax.Array:
        return jnp.asarray(np.broadcast_to(np.asarray(values, np.int32), shape))

    return ObservationBatch(
        value=numbers(0),
        error=numbers(1),
        latitude=numbers(latitude),
        longitude=numbers(longitude),
        level=numbers(level),
        vertical=integers(vertical),
        time=numbers(0),
        variable=integers(variable),
        station=integers(0),
        flag=integers(0),
    )


def random_batch(layout: Layout, count: int = 60) -> ObservationBatch:
    draw = np.random.default_rng(3)
    levels = layout.grid.vertical.levels
    return batch_at(
        np.rad2deg(np.arcsin(draw.uniform(-1, 1, count))),
        draw.uniform(0, 360, count),
        draw.uniform(0.5 * levels[0], 1.1 * levels[-1], count),
        draw.integers(0, len(layout.variables), count),
        draw.integers(0, 2, count),
    )


def random_state(layout: Layout, seed: int, *batch: int) -> State:
    values = np.random.default_rng(seed).normal(size=(*batch, *layout.shape))
    return State(jnp.asarray(values), layout)


@pytest.mark.row(58)
@pytest.mark.parametrize("name", LINEAR)
def test_linear_operators_are_linear_and_their_own_tangent(name: str, layout: Layout) -> None:
    with jax.enable_x64(True):
        operator = OPERATORS[name][0](random_batch(layout), layout)
        x, d = random_state(layout, 0), random_state(layout, 1)
        both = operator(State(2 * x.values - 3 * d.values, layout))
        np.testing.assert_allclose(both, 2 * operator(x) - 3 * operator(d), atol=1e-13)
        value, tangent = jax.jvp(operator, (x,), (d,))
        np.testing.assert_allclose(value, operator(x), atol=1e-14)
        np.testing.assert_allclose(tangent, operator(d), atol=1e-14)


@pytest.mark.row(58)
@pytest.mark.parametrize("name", NONLINEAR)
def test_the_error_of_the_tangent_falls_with_the_square_of_the_step(
    name: str, layout: Layout
) -> None:
    with jax.enable_x64(True):
        operator = OPERATORS[name][0](random_batch(layout), layout)
        x, d = random_state(layout, 0), random_state(layout, 1)
        value, tangent = jax.jvp(operator, (x,), (d,))
        steps = np.array([1e-3, 1e-4])
        errors = [
            np.linalg.norm(operator(State(x.values + h * d.values, layout)) - value - h * tangent)
            for h in steps
        ]
        slope = np.log(errors[0] / errors[1]) / np.log(steps[0] / steps[1])
        assert slope == pytest.approx(2, abs=0.05)


@pytest.mark.row(57)
@pytest.mark.parametrize("name", OPERATORS)
def test_the_adjoint_fulfils_the_dot_product_identity(name: str, layout: Layout) -> None:
    with jax.enable_x64(True):
        operator = OPERATORS[name][0](random_batch(layout), layout)
        x, d = random_state(layout, 0), random_state(layout, 1)
        value, tangent = jax.jvp(operator, (x,), (d,))
        weights = jnp.asarray(np.random.default_rng(2).normal(size=value.shape))
        (adjoint,) = jax.vjp(operator, x)[1](weights)
        left, right = jnp.vdot(tangent, weights), jnp.vdot(d.values, adjoint.values)
        scale = jnp.linalg.norm(tangent) * jnp.linalg.norm(weights)
        assert abs(float(left - right)) <= 1e-12 * float(scale)


@pytest.mark.parametrize("name", OPERATORS)
def test_an_ensemble_gives_what_its_members_give(name: str, layout: Layout) -> None:
    operator = OPERATORS[name][0](random_batch(layout), layout)
    ensemble = random_state(layout, 0, 2, 3)
    together = operator(ensemble)
    assert together.shape == (2, 3, 60)
    alone = operator(State(ensemble.values[1, 2], layout))
    np.testing.assert_allclose(together[1, 2], alone, rtol=1e-6, atol=1e-6)
    by_vmap = jax.vmap(jax.vmap(operator))(ensemble)
    np.testing.assert_allclose(by_vmap, together, rtol=1e-6, atol=1e-6)


# A function has no positions to be told: another one is another operator.
@pytest.mark.parametrize("name", [name for name in OPERATORS if name != "function"])
def test_other_positions_do_not_compile_again(name: str) -> None:
    layout = LAYOUTS["gaussian"]
    compilations = []

    @jax.jit
    def apply(operator: ObservationOperator, state: State) -> jax.Array:
        compilations.append(1)
        return operator(state)

    batch, state = random_batch(layout), random_state(layout, 0)
    for shift in (0.0, 1.0, 2.0):
        moved = replace(batch, longitude=batch.longitude + shift)
        apply(OPERATORS[name][0](moved, layout), state)
    assert len(compilations) == 1


@pytest.mark.parametrize("name", OPERATORS)
def test_senseless_positions_give_finite_equivalents_and_gradients(
    name: str, layout: Layout
) -> None:
    senseless = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, 0.0])
    lat, lon, level = (axis.ravel() for axis in np.meshgrid(*[senseless] * 3))
    variable = np.arange(lat.size) % 6 - 1  # some outside the layout
    batch = batch_at(lat, lon, level, variable, np.arange(lat.size) % 2)
    operator = OPERATORS[name][0](batch, layout)
    still = State(jnp.zeros(layout.shape), layout)
    for state in (still, random_state(layout, 0)):
        assert np.isfinite(operator(state)).all()
        gradient = jax.grad(lambda x: operator(State(x, layout)).sum())(state.values)
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", OPERATORS)
@settings(max_examples=25, deadline=None)
@given(
    latitude=st.floats(-90, 90),
    longitude=st.floats(-720, 720),
    share=st.floats(0, 1),
    variable=st.integers(0, 3),
)
def test_equivalents_stay_within_what_the_state_holds(
    name: str, latitude: float, longitude: float, share: float, variable: int
) -> None:
    layout = LAYOUTS["gaussian"]
    here = np.array([latitude])
    batch = batch_at(here, np.array([longitude]), max(share, 1e-3), variable)
    state = random_state(layout, 5)
    equivalent = OPERATORS[name][0](batch, layout)(state)
    # Wind speed of two components within the bound is within sqrt(2) of it.
    assert float(jnp.abs(equivalent).max()) <= 1.4143 * float(jnp.abs(state.values).max())


@pytest.mark.parametrize("name", OPERATORS)
def test_the_date_line_is_continuous(name: str, layout: Layout) -> None:
    longitude = np.array([359.9999, -0.0001, 0.0, 360.0, 719.9999])
    batch = batch_at(np.full(5, 33.3), longitude, layout.grid.vertical.levels[1], 0)
    equivalent = OPERATORS[name][0](batch, layout)(random_state(layout, 0))
    np.testing.assert_allclose(equivalent, equivalent[0], atol=1e-4)


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("pole", [-90.0, 90.0])
def test_the_pole_is_continuous_along_a_meridian(name: str, layout: Layout, pole: float) -> None:
    inward = np.sign(pole) * np.array([1e-4, 0.0])
    batch = batch_at(pole - inward, np.full(2, 40.0), layout.grid.vertical.levels[1], 2)
    before, at = OPERATORS[name][0](batch, layout)(random_state(layout, 0))
    assert float(before) == pytest.approx(float(at), abs=1e-3)


def test_interpolation_at_a_grid_point_is_the_grid_value_bitwise(layout: Layout) -> None:
    rows, columns = layout.grid.shape
    levels = layout.grid.level_count
    lat, lon, level = (a.ravel() for a in np.indices((rows, columns, levels)))
    state = random_state(layout, 0)
    for variable, name in enumerate(VARIABLES):
        batch = batch_at(
            np.asarray(layout.grid.latitude)[lat],
            np.asarray(layout.grid.longitude)[lon],
            np.asarray(layout.grid.vertical.levels)[level],
            variable,
        )
        field = state[name]
        expected = field[lat, lon, np.minimum(level, field.shape[-1] - 1)]
        np.testing.assert_array_equal(interpolation_operator(batch, layout)(state), expected)


def test_interpolation_of_a_constant_scalar_is_that_constant(layout: Layout) -> None:
    batch = replace(random_batch(layout, 200), variable=jnp.full(200, 2))
    state = State(jnp.full(layout.shape, 281.5), layout)
    equivalents = interpolation_operator(batch, layout)(state)
    np.testing.assert_allclose(equivalents, 281.5, rtol=1e-6)


def test_interpolation_is_linear_in_the_logarithm_of_the_level(layout: Layout) -> None:
    levels = np.asarray(layout.grid.vertical.levels)
    profile = jnp.asarray(np.log(levels))
    values = jnp.zeros(layout.shape).at[..., layout.channels_of("temperature")].set(profile)
    inside = np.geomspace(levels[0], levels[-1], 50)
    batch = batch_at(np.full(50, 12.3), np.full(50, 200.0), inside, 2)
    equivalents = interpolation_operator(batch, layout)(State(values, layout))
    np.testing.assert_allclose(equivalents, np.log(inside), rtol=1e-5, atol=1e-6)


def test_interpolation_takes_the_nearest_level_outside_the_column(layout: Layout) -> None:
    levels = layout.grid.vertical.levels
    outside = np.array([levels[0] / 5, levels[0], levels[-1], levels[-1] * 1.04])
    batch = batch_at(np.full(4, -20.0), np.full(4, 100.0), outside, 2)
    above, top, bottom, below = interpolation_operator(batch, layout)(random_state(layout, 0))
    assert above == top
    assert below == bottom


def test_where_there_is_one_level_it_is_observed_at_every_pressure() -> None:
    grid = Grid(gaussian_latitudes(4), longitudes(8), VerticalCoordinate("pressure", (5e4,)))
    layout = Layout(grid, ("temperature",))
    batch = batch_at(np.full(3, 20.0), np.full(3, 100.0), np.array([100.0, 5e4, 1e5]), 0)
    above, there, below = interpolation_operator(batch, layout)(random_state(layout, 0))
    assert above == there == below


def test_a_surface_report_of_an_upper_air_variable_means_the_lowest_level(layout: Layout) -> None:
    here = np.full(2, 15.0)
    bottom = layout.grid.vertical.levels[-1]
    batch = batch_at(
        here, here, np.array([bottom, 0.0]), 2, np.array([Vertical.LEVEL, Vertical.SURFACE])
    )
    at_level, near_surface = interpolation_operator(batch, layout)(random_state(layout, 0))
    assert at_level == near_surface


def sphere_axes(lat: np.ndarray, lon: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit vectors up, east and north at positions in degrees, each [..., 3]."""
    lat, lon = np.broadcast_arrays(np.deg2rad(lat), np.deg2rad(lon))
    up = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], -1)
    east = np.stack([-np.sin(lon), np.cos(lon), np.zeros_like(lon)], -1)
    return up, east, np.cross(up, east)


def test_a_flow_over_the_pole_is_interpolated_with_its_direction() -> None:
    """Solid-body rotation about a tilted axis crosses the pole; a second-order error is left."""
    axis = np.array([0.8, -0.5, 0.3])
    draw = np.random.default_rng(0)
    latitude = np.concatenate([draw.uniform(70, 90, 50), draw.uniform(-90, -70, 50), [90, -90]])
    longitude = draw.uniform(0, 360, latitude.size)
    worst = []
    for rows in (16, 32):
        layout = Layout(Grid(gaussian_latitudes(rows), longitudes(2 * rows), SIGMA), VARIABLES)
        lat, lon = np.meshgrid(layout.grid.latitude, layout.grid.longitude, indexing="ij")
        up, east, north = sphere_axes(lat, lon)
        wind = np.cross(axis, up)
        fields = np.stack([(wind * east).sum(-1), (wind * north).sum(-1), up @ axis], -1)
        values = np.zeros(layout.shape)
        for variable, name in enumerate(VARIABLES[:3]):
            values[..., layout.channels_of(name)] = fields[..., variable, None]
        state = State(jnp.asarray(values), layout)
        up, east, north = sphere_axes(latitude, longitude)
        wind = np.cross(axis, up)
        expected = np.stack([(wind * east).sum(-1), (wind * north).sum(-1), up @ axis])
        found = np.stack(
            [
                interpolation_operator(batch_at(latitude, longitude, 0.3, variable), layout)(state)
                for variable in range(3)
            ]
        )
        worst.append(np.abs(found - expected).max())
    assert worst[0] < 0.02
    assert worst[1] < worst[0] / 3  # second order would be a quarter


def test_a_grid_of_one_latitude_ignores_the_latitude() -> None:
    circle = Grid((0.0,), longitudes(8), VerticalCoordinate("index", (1.0,)))
    layout = Layout(circle, ("lorenz_96",))
    state = random_state(layout, 0)
    batch = batch_at(np.array([0.0, 40.0]), np.array([45.0, 67.5]), 1.0, 0)
    on_point, between = interpolation_operator(batch, layout)(state)
    x = state.values.ravel()
    assert on_point == x[1]
    assert float(between) == pytest.approx(float(x[1] + x[2]) / 2, rel=1e-6)
