"""The configurations in experiments/era5 are right, and their networks fit their states."""

from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from align_da.atmosphere import Grid, Layout, VerticalCoordinate
from align_da.config import load_config
from align_da.keys import Purpose, key_for
from align_da.observations import planned_observations
from align_da.runs.autoencoders import build_autoencoder
from align_da.runs.denoisers import build_denoiser_network
from align_da.runs.observation_errors import errors_of
from align_da.runs.observing_system import configured_network
from data_pipelines.regridding import named_grid
from data_pipelines.splits import periods_of, times_of_truth

FOLDER = Path(__file__).parents[2] / "experiments" / "era5"
SHAPES = {"64x32": (32, 64, 69), "240x121": (121, 240, 69), "128x256": (128, 256, 69)}


@pytest.mark.parametrize("name", SHAPES)
def test_a_configuration_is_right_and_its_networks_fit(name: str) -> None:
    config = load_config(FOLDER / f"config_{name}.toml")
    assert config.world.truth == "era5"
    assert config.era5 is not None
    assert config.era5.grid == name
    levels = VerticalCoordinate("pressure", tuple(100.0 * level for level in config.era5.levels))
    grid = named_grid(config.era5.grid, Grid((-45.0, 45.0), (0.0, 180.0), levels))
    layout = Layout(grid, config.era5.variables)
    assert layout.shape == SHAPES[name]
    key = key_for(0, Purpose.PARAMETERS, 0)

    # Depth changes no shape; without it the largest takes seconds and not a minute.
    shallow = {"depth": 1}

    def latents() -> jax.Array:
        autoencoder = build_autoencoder(
            config.autoencoder.model_copy(update=shallow), layout.shape, key
        )
        build_denoiser_network(
            config.denoiser.model_copy(update=shallow), autoencoder.latent_shape, key
        )
        return autoencoder.encode(jnp.zeros((1, *layout.shape)))

    rows, columns, channels = SHAPES[name]
    stride = config.autoencoder.stride
    assert jax.eval_shape(latents).shape == (1, rows // stride, columns // stride, channels)
    network = configured_network(config.observations, grid, key)
    planned = planned_observations(network, layout, errors_of(config.observations))
    assert planned.value.size == network.station.size * 69


@pytest.mark.parametrize("name", SHAPES)
def test_its_periods_lie_within_the_store_that_it_names(name: str) -> None:
    """The stores end on 2023-01-10; the length of each is in its name."""
    config = load_config(FOLDER / f"config_{name}.toml")
    assert config.era5 is not None
    assert "era5/1959-2023_01_10-" in config.era5.source
    times = times_of_truth(config.world, 6).astype("datetime64[D]").astype(str)
    assert "1959-01-01" <= times[0] == str(periods_of(config.world)["train"].start)[:10]
    assert times[-1] <= "2023-01-10"


def test_networks_of_the_papers_grid_are_those_of_its_size() -> None:
    config = load_config(FOLDER / "config_128x256.toml")
    paper = load_config(FOLDER.parent / "costs" / "config.toml")
    # The guidance of the costs names the iterations that are counted; elsewhere they are a bound.
    for section in ("autoencoder", "denoiser", "sampler", "observations"):
        assert getattr(config, section) == getattr(paper, section)
