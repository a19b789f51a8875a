"""What the system makes of a real state of ERA5 on pressure levels.

The state that the nature run starts from, on the 13 levels of WeatherBench 2; what is at the
surface is not in the file and made from the lowest level.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from era5_world import write_store

from align_da.alignment import AlignmentCase
from align_da.atmosphere import Normalisation, State
from align_da.atmosphere.balance import geostrophic_imbalance, hydrostatic_residual
from align_da.atmosphere.balance_score import BalanceMeasures
from align_da.atmosphere.plausibility import check_plausible
from align_da.autoencoder import pole_signs
from align_da.config import AutoencoderConfig, Era5Config, ObservationsConfig
from align_da.keys import Purpose, key_for
from align_da.observations import (
    interpolation_operator,
    planned_observations,
    simulate_observations,
)
from align_da.observations.quality_control import quality_controlled
from align_da.runs.autoencoders import build_autoencoder
from align_da.runs.observation_errors import errors_of
from align_da.runs.observing_system import configured_network
from align_da.runs.rewards import RewardInputs, build_rewards
from align_da.verification.verified_fields import default_fields
from data_pipelines.era5_source import Era5Source, open_era5
from data_pipelines.era5_start import ERA5_FILE
from data_pipelines.regridding import conservative_regridding, named_grid

RESOURCES = Path(__file__).parents[2] / "data_pipelines" / "resources"
TIME = np.asarray(["1959-01-02T00:00"], "datetime64[ns]")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Era5Source:
    with xr.open_dataset(RESOURCES / ERA5_FILE, engine="netcdf4") as file:
        fields = file.load().expand_dims("time")
    lowest = fields.sel(level=1000, drop=True)
    made = {
        "10m_u_component_of_wind": lowest["u_component_of_wind"],
        "10m_v_component_of_wind": lowest["v_component_of_wind"],
        "2m_temperature": lowest["temperature"],
        "mean_sea_level_pressure": 1.0e5 * np.exp(lowest["geopotential"] / 287.0 / 270.0),
        "geopotential_at_surface": 0.0 * lowest["geopotential"].isel(time=0, drop=True),
    }
    store = fields.assign({name: field.drop_attrs() for name, field in made.items()})
    path = write_store(store, tmp_path_factory.mktemp("era5") / "store.zarr")
    return open_era5(Era5Config(source=path), TIME)


@pytest.fixture(scope="module")
def state(source: Era5Source) -> State:
    return State(jnp.asarray(source.states(TIME)), source.layout)


@pytest.fixture(scope="module")
def sea(source: Era5Source) -> jax.Array:
    return jnp.asarray(source.surface_geopotential)


def test_it_has_the_69_channels_of_the_paper(source: Era5Source, state: State) -> None:
    assert state.values.shape == (1, 32, 64, 69)
    assert source.layout.grid.vertical.kind == "pressure"
    check_plausible(np.asarray(state.values), source.layout, "ERA5")


def test_it_is_the_state_in_the_file(state: State) -> None:
    with xr.open_dataset(RESOURCES / ERA5_FILE, engine="netcdf4") as file:
        expected = file["temperature"].sel(level=500).transpose("latitude", "longitude")
        found = state["temperature"][0, :, :, Era5Config(source="any").levels.index(500)]
        np.testing.assert_array_equal(found, expected)


def test_it_is_as_balanced_as_the_atmosphere(state: State, sea: jax.Array) -> None:
    assert float(hydrostatic_residual(state, sea)[0]) < 0.01  # measured: 0.0012
    assert 0.02 < float(geostrophic_imbalance(state, sea)[0]) < 0.15  # measured: 0.054


def test_rewards_prefer_the_state_to_its_perturbations(state: State, sea: jax.Array) -> None:
    noise = jax.random.normal(jax.random.key(0), (3, *state.layout.shape))
    scale = jnp.std(state.values, axis=(0, 1, 2))
    sizes = jnp.asarray([0.01, 0.05, 0.2])[:, None, None, None]
    candidates = State(state.values + sizes * scale * noise, state.layout)
    truth = State(state.values[0], state.layout)
    case = AlignmentCase(truth, truth, TIME[0], truth, 24.0)
    varied = BalanceMeasures(*map(jnp.float32, (0.01, 0.01, 0.01, 0.003)))
    rewards = build_rewards(
        ("accuracy", "balance", "calibration"), RewardInputs(pytest.fail, 24, sea, lambda: varied)
    )
    for name, reward in rewards.items():
        scores = np.asarray(reward(candidates, case))
        assert np.all(np.diff(scores) < 0), name
    balance = np.asarray(rewards["balance"](candidates, case))
    assert 0 < balance[2] < balance[0] <= 1


def test_the_autoencoder_takes_it(state: State) -> None:
    layout = state.layout
    mean, std = state.values.mean(axis=(0, 1, 2)), state.values.std(axis=(0, 1, 2))
    values = Normalisation(mean, std).normalise(state)
    config = AutoencoderConfig(width=8, depth=1, stride=2, latent_channels=69)
    key = key_for(0, Purpose.PARAMETERS, 0)
    network = build_autoencoder(config, layout.shape, key, pole_signs(layout))
    latents = network.encode(values)
    assert latents.shape == (1, 16, 32, 69)
    decoded = network.decode(latents)
    assert decoded.shape == values.shape
    assert np.isfinite(decoded).all()


@pytest.mark.parametrize("name", ["radiosonde", "random", "surface"])
def test_every_network_observes_it(name: str, state: State) -> None:
    layout = state.layout
    config = ObservationsConfig.model_validate({"network": name})
    network = configured_network(config, layout.grid, key_for(0, Purpose.OBSERVATION_NETWORK, 0))
    planned = planned_observations(network, layout, errors_of(config))
    operator = interpolation_operator(planned, layout)
    truth = State(state.values[0], layout)
    key = key_for(0, Purpose.OBSERVATION_ERROR, 0)
    observed = simulate_observations(planned, operator, truth, key)
    checked = quality_controlled(observed, layout, 21600.0)
    assert np.asarray(checked.used).all()
    assert planned.value.size % network.station.size == 0
    departures = (observed.value - operator(truth)) / observed.error
    assert abs(float(departures.std()) - 1) < 0.05


def test_tables_name_levels_in_hectopascal(state: State) -> None:
    labels = [field.label for field in default_fields(state.layout)]
    assert {"u (250 hPa)", "T (850 hPa)", "z (500 hPa)", "msl", "t2m"} <= set(labels)


@pytest.mark.parametrize("grid", ["64x32", "240x121", "128x256"])
def test_regridding_keeps_its_area_means(grid: str, state: State) -> None:
    source = state.layout.grid
    target = named_grid(Era5Config.model_validate({"source": "any", "grid": grid}).grid, source)
    values = np.asarray(state.values)
    found = conservative_regridding(source, target)(values)
    before = np.einsum("tyxc,yx->c", values.astype(float), source.area_weights)
    after = np.einsum("tyxc,yx->c", found.astype(float), target.area_weights)
    size = np.abs(values).max(axis=(0, 1, 2))
    np.testing.assert_allclose(after / size, before / size, atol=1e-6)
