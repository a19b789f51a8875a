"""Reach and balance of increments: closed forms, and what the shipped prior does."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import align_da
from align_da.assimilation.latent_three_d_var import LatentThreeDVar
from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.atmosphere.balance import geostrophic_wind
from align_da.config import load_config
from align_da.forecast.jcm import JcmForecastModel
from align_da.observations.batch import Flag, ObservationBatch, Vertical
from align_da.observations.interpolation import interpolation_operator
from align_da.prior.latent_prior import LatentPrior
from align_da.runs.priors import load_prior
from align_da.runs.run import Run
from align_da.storage.run_folder import RunFolder
from align_da.verification.figure_style import to_png
from align_da.verification.single_observation import (
    IncrementPanel,
    Place,
    geostrophic_part,
    increment_maps,
    share_within,
)

SHIPPED = Path(align_da.__file__).parent / "resources" / "embedded_world"
NODES, _ = np.polynomial.legendre.leggauss(32)
GRID = Grid(
    tuple(np.rad2deg(np.arcsin(NODES))),
    tuple(np.arange(64) * 5.625),
    VerticalCoordinate("sigma", tuple((np.arange(8) + 0.5) / 8)),
)
VARIABLES = (
    "u_component_of_wind",
    "v_component_of_wind",
    "temperature",
    "specific_humidity",
    "surface_pressure",
)
LAYOUT = Layout(GRID, VARIABLES)
PLACE = Place(47.0, 200.0)
NEAR = 3e6
FLAT = jnp.zeros(GRID.shape)


def calm() -> State:
    """An atmosphere at rest, uniform on every level."""
    levels = np.concatenate([np.zeros(16), np.linspace(220, 285, 8), np.full(8, 1e-3), [1e5]])
    return State(jnp.broadcast_to(jnp.asarray(levels, jnp.float32), LAYOUT.shape), LAYOUT)


def warmed(wind: float) -> State:
    """A warm bump at the place, with `wind` times the geostrophic wind of it."""
    bump = jnp.asarray(np.exp(-((PLACE.distance(GRID) / 1e6) ** 2)), jnp.float32)
    heat = 2 * bump[:, :, None] * (jnp.arange(33) // 8 == 2)
    state = State(calm().values + heat, LAYOUT)
    u, v = geostrophic_wind(state, FLAT)
    return State(state.values.at[..., :8].set(wind * u).at[..., 8:16].set(wind * v), LAYOUT)


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_a_geostrophic_increment_has_cosine_one_and_its_strength_as_slope(strength: float) -> None:
    cosine, slope = geostrophic_part(calm(), warmed(strength), FLAT, PLACE, NEAR)
    assert cosine == pytest.approx(1.0, abs=1e-3)
    assert slope == pytest.approx(strength, rel=1e-2)


def test_a_wind_that_knows_nothing_of_the_mass_is_not_balanced() -> None:
    noise = jax.random.normal(jax.random.key(0), LAYOUT.shape) * (jnp.arange(33) < 16)
    state = State(warmed(0.0).values + noise, LAYOUT)
    cosine, _ = geostrophic_part(calm(), state, FLAT, PLACE, NEAR)
    assert abs(cosine) < 0.1


def test_the_share_within_a_radius_counts_squares_by_area() -> None:
    distance = PLACE.distance(GRID)
    inside = (distance < 1e6).astype(float)
    assert share_within(inside, GRID, PLACE, 1e6) == 1.0
    everywhere = share_within(np.ones(GRID.shape), GRID, PLACE, NEAR)
    cap = (1 - np.cos(NEAR / 6.371e6)) / 2
    assert everywhere == pytest.approx(cap, rel=0.05)


def test_the_figure_has_a_panel_an_increment_centred_on_the_observation() -> None:
    field = np.exp(-((PLACE.distance(GRID) / 1e6) ** 2))
    panels = [IncrementPanel(name, field, field, -field, "K") for name in ("a", "b")]
    figure = increment_maps(panels, GRID, PLACE, columns=2)
    assert [axes.get_title(loc="left") for axes in figure.axes[:2]] == ["a", "b"]
    assert to_png(figure).startswith(b"\x89PNG")


@pytest.fixture(scope="module")
def layout() -> Layout:
    """That of the circulation model, which takes seconds to be built."""
    return JcmForecastModel().layout


@pytest.fixture(scope="module")
def shipped(layout: Layout) -> LatentThreeDVar:
    """With the shipped prior, once, so that it is compiled once."""
    return LatentThreeDVar(shipped_prior(layout), interpolation_operator, 1, 5)


def shipped_prior(layout: Layout) -> LatentPrior:
    config = load_config(SHIPPED / "demo.toml")
    return load_prior(Run(config, RunFolder(SHIPPED), xr.Dataset(), layout), "static")


@pytest.mark.parametrize("variable", ["temperature", "u_component_of_wind"])
def test_a_single_observation_moves_the_shipped_prior_locally_and_in_balance(
    variable: str,
    layout: Layout,
    shipped: LatentThreeDVar,
) -> None:
    mean = shipped.prior.space.normalisation.mean
    background = State(jnp.broadcast_to(mean, layout.shape)[None], layout)
    channel = layout.channels_of(variable).start + 4
    one = jnp.ones(1)
    batch = ObservationBatch(
        value=mean[channel] + 2 * one,
        error=one,
        latitude=PLACE.latitude * one,
        longitude=PLACE.longitude * one,
        level=layout.grid.vertical.levels[4] * one,
        vertical=jnp.full(1, int(Vertical.LEVEL)),
        time=0 * one,
        variable=jnp.full(1, layout.variables.index(variable)),
        station=jnp.zeros(1, jnp.int32),
        flag=jnp.full(1, int(Flag.PASS)),
    )
    analysis, _ = shipped(background, batch, 24.0, jax.random.key(0))
    before, after = (State(state.values[0], layout) for state in (background, analysis))
    increment = np.asarray(after[variable] - before[variable])[..., 4]
    assert increment.max() > 0.3
    assert share_within(increment, layout.grid, PLACE, NEAR) > 0.6
    cosine, slope = geostrophic_part(before, after, FLAT, PLACE, NEAR)
    assert cosine > 0.4
    assert 0.2 < slope < 3
