"""Balance diagnostics against flows whose balance is known in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate, state_from_fields
from align_da.atmosphere.balance import (
    BalanceRegion,
    geostrophic_imbalance,
    geostrophic_wind,
    hydrostatic_residual,
)
from align_da.constants import DRY_AIR_GAS_CONSTANT, EARTH_RADIUS, EARTH_ROTATION
from align_da.errors import InputError

SPEED = 40.0  # m/s at the equator
ROSSBY = SPEED / (2 * EARTH_ROTATION * EARTH_RADIUS)  # u tan(lat) / (a f) of solid rotation
TEMPERATURE = 260.0


def mass_of_solid_rotation(grid: Grid, *, gradient_wind: bool) -> np.ndarray:
    """Phi(lat) that balances u = U cos(lat), v = 0, [lat lon], m2 s-2.

    Geostrophic: dPhi/dy = −f u. Gradient wind: dPhi/dy = −f u − u² tan(lat) / a.
    """
    factor = 1 + ROSSBY if gradient_wind else 1.0
    height = (
        -EARTH_RADIUS * EARTH_ROTATION * SPEED * factor * np.sin(np.deg2rad(grid.latitude)) ** 2
    )
    return np.repeat(height[:, None], len(grid.longitude), axis=1)


def solid_rotation(grid: Grid, *, gradient_wind: bool = False) -> State:
    """Isothermal solid rotation, its mass in Phi (pressure levels) or in p_s (sigma levels)."""
    levels = np.ones(grid.level_count)
    wind = SPEED * np.cos(np.deg2rad(grid.latitude))[:, None, None]
    shape = (*grid.shape, grid.level_count)
    fields = {
        "u_component_of_wind": np.broadcast_to(wind, shape),
        "v_component_of_wind": np.zeros(shape),
        "temperature": np.full(shape, TEMPERATURE),
    }
    mass = mass_of_solid_rotation(grid, gradient_wind=gradient_wind)[..., None]
    if grid.vertical.kind == "sigma":
        fields["surface_pressure"] = 1e5 * np.exp(mass / (DRY_AIR_GAS_CONSTANT * TEMPERATURE))
    else:
        column = (
            -DRY_AIR_GAS_CONSTANT * TEMPERATURE * np.log(np.asarray(grid.vertical.levels) / 1e5)
        )
        fields["geopotential"] = mass * levels + column
    return state_from_fields(fields, Layout(grid, tuple(fields)))


@pytest.fixture(params=["sigma_grid", "pressure_grid"])
def grid(request: pytest.FixtureRequest) -> Grid:
    found: Grid = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def flat(grid: Grid) -> Float[Array, "lat lon"]:
    """Low enough to be below every pressure level."""
    return jnp.full(grid.shape, -1e5)


def test_the_geostrophic_wind_of_solid_rotation_is_the_rotation(
    grid: Grid, flat: jax.Array
) -> None:
    state = solid_rotation(grid)
    eastward, northward = geostrophic_wind(state, flat)
    away = np.abs(grid.latitude) > 5
    # Centred differences of sin² over 5 degrees: error (10 deg in rad)² / 6 = 0.5 %, end rows 2 %.
    expected = state["u_component_of_wind"][away]
    np.testing.assert_allclose(eastward[away], expected, rtol=0.03, atol=0.1)
    assert np.abs(northward).max() < 0.05


def test_solid_rotation_in_geostrophic_balance_has_no_imbalance(
    grid: Grid, flat: jax.Array
) -> None:
    assert float(geostrophic_imbalance(solid_rotation(grid), flat)) < 1e-4


def test_solid_rotation_in_gradient_balance_has_the_square_of_its_rossby_number(
    grid: Grid, flat: jax.Array
) -> None:
    """V_g = V (1 + U / (2 Omega a)), so that R = (U / (2 Omega a))² = 0.00185."""
    state = solid_rotation(grid, gradient_wind=True)
    imbalance = float(geostrophic_imbalance(state, flat))
    # The differences leave 0.5 % of the wind, of 4.3 % of ageostrophic wind: a quarter of R.
    assert imbalance == pytest.approx(ROSSBY**2, rel=0.3)


def test_the_gradient_wind_is_approached_on_a_finer_grid() -> None:
    latitude = tuple((np.arange(180) - 89.5).tolist())
    grid = Grid(latitude, (0.0, 120.0, 240.0), VerticalCoordinate("sigma", (0.5,)))
    state = solid_rotation(grid, gradient_wind=True)
    with jax.enable_x64(True):
        exact = State(jnp.asarray(np.asarray(state.values, np.float64)), state.layout)
        imbalance = float(geostrophic_imbalance(exact, jnp.zeros(grid.shape)))
    assert imbalance == pytest.approx(ROSSBY**2, rel=0.02)


def test_mountains_under_a_sigma_state_do_not_make_wind(sigma_grid: Grid) -> None:
    """At rest, isothermal: ln p_s falls with Phi_s, and both parts of the force cancel."""
    state = solid_rotation(sigma_grid)
    lat, lon = np.meshgrid(
        np.deg2rad(sigma_grid.latitude), np.deg2rad(sigma_grid.longitude), indexing="ij"
    )
    mountain = 1e4 * np.exp(-((lat - 0.7) ** 2 + (lon - 2) ** 2) / 0.1)
    pressure = 1e5 * np.exp(-mountain / (DRY_AIR_GAS_CONSTANT * TEMPERATURE))
    layout = state.layout
    values = state.values.at[..., layout.channels_of("surface_pressure")].set(pressure[..., None])
    eastward, northward = geostrophic_wind(State(values, layout), jnp.asarray(mountain))
    assert np.abs(eastward).max() < 0.05
    assert np.abs(northward).max() < 0.05


def test_imbalance_is_differentiable_even_at_rest(grid: Grid, flat: jax.Array) -> None:
    truth = solid_rotation(grid)
    rest = truth.values.at[..., truth.layout.channels_of("u_component_of_wind")].set(0.0)
    for values in (truth.values, 1.01 * truth.values, rest + 1e-3):
        gradient = jax.grad(lambda x: geostrophic_imbalance(State(x, truth.layout), flat))(values)
        assert np.isfinite(gradient).all()


def test_the_region_tapers_around_its_latitudes_and_keeps_its_levels(sigma_grid: Grid) -> None:
    weights = BalanceRegion().weights(sigma_grid)
    assert weights.sum() == pytest.approx(1)
    latitude = np.abs(sigma_grid.latitude)
    assert np.all(weights[latitude < 15] == 0)
    assert np.all(weights[latitude > 85] == 0)
    assert weights[..., 0].sum() == 0  # sigma 0.1
    assert weights[..., 3].sum() == 0  # sigma 0.95
    np.testing.assert_array_equal(weights[..., 1], weights[..., 2])
    share = weights[..., 1] / sigma_grid.area_weights
    # 17.5 degrees is a quarter of the way from 15 to 25.
    assert share[latitude == 17.5].max() == pytest.approx(share.max() / 4)


def test_a_region_without_a_level_is_refused(sigma_grid: Grid) -> None:
    with pytest.raises(InputError, match="no grid point"):
        BalanceRegion(levels=(0.31, 0.59)).weights(sigma_grid)


def test_pressure_levels_below_the_ground_do_not_count(pressure_grid: Grid) -> None:
    state = solid_rotation(pressure_grid)
    low = state.layout.channels_of("u_component_of_wind").start + 3
    rows = slice(20, 30)
    spoilt = State(state.values.at[rows, :, low].add(30.0), state.layout)
    ground = jnp.full(pressure_grid.shape, -1e5)
    plateau = ground.at[rows].set(state["geopotential"][rows, :, 3] + 1.0)
    assert float(geostrophic_imbalance(spoilt, ground)) > 0.05
    assert float(geostrophic_imbalance(spoilt, plateau)) < 1e-3


def test_an_isothermal_column_has_no_hydrostatic_residual(pressure_grid: Grid) -> None:
    state = solid_rotation(pressure_grid)
    ground = jnp.full(pressure_grid.shape, -1e5)
    assert float(hydrostatic_residual(state, ground)) < 1e-5


def test_the_hydrostatic_residual_is_the_relative_error_of_the_thickness(
    pressure_grid: Grid,
) -> None:
    state = solid_rotation(pressure_grid)
    phi = state.layout.channels_of("geopotential")
    thicker = State(state.values.at[..., phi].multiply(1.05), state.layout)
    ground = jnp.full(pressure_grid.shape, -1e5)
    assert float(hydrostatic_residual(thicker, ground)) == pytest.approx(0.05, rel=1e-3)


def test_the_hydrostatic_residual_needs_pressure_levels(sigma_grid: Grid) -> None:
    with pytest.raises(InputError, match="pressure levels, got sigma"):
        hydrostatic_residual(solid_rotation(sigma_grid), jnp.zeros(sigma_grid.shape))
