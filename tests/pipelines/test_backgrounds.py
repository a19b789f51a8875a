"""Backgrounds from the perturbed truth, with Lorenz-96 as the world."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from rich.progress import Progress

from align_da.atmosphere import State
from align_da.config import Config
from align_da.errors import ConfigError, StorageError
from align_da.forecast import Lorenz96ForecastModel
from align_da.keys import Purpose, key_for
from align_da.storage.background_pairs import open_background_pairs
from align_da.storage.run_folder import RunFolder
from data_pipelines.backgrounds import (
    BackgroundsTask,
    Perturbation,
    draw_perturbation,
    forecast_block,
    make_backgrounds,
    perturbed,
    starts_of,
)
from data_pipelines.splits import periods_of
from data_pipelines.statistics import write_statistics


@pytest.mark.slow
def test_every_background_is_written_once(folder: Path) -> None:
    for split, count in (("train", 25), ("validation", 3), ("test", 2)):
        with xr.open_zarr(RunFolder(folder).backgrounds(split), consolidated=False) as store:
            assert store.sizes["time"] == count
            assert bool(np.isfinite(store["amplitude"]).all())
            assert bool(np.isfinite(store["lorenz_96"]).all())


@pytest.mark.slow
def test_errors_grow_with_the_lead_and_with_the_amplitude(folder: Path) -> None:
    files = RunFolder(folder)
    pairs = open_background_pairs(files.truth, files.backgrounds("train"))
    errors = {}
    for lead in pairs.lead_hours:
        truth, background = pairs.read(lead)
        errors[lead] = np.asarray(
            jnp.sqrt(((background.values - truth.values) ** 2).mean((1, 2, 3)))
        )
    amplitude = pairs.backgrounds["amplitude"].to_numpy()
    assert errors[48].mean() > 1.2 * errors[6].mean()
    assert np.corrcoef(amplitude, errors[6])[0, 1] > 0.5


@pytest.mark.slow
def test_a_lost_block_comes_back_with_the_same_bits(folder: Path, config: Config) -> None:
    store = RunFolder(folder).backgrounds("train")
    with xr.open_zarr(store, consolidated=False) as dataset:
        before = dataset.load()
    lost = xr.Dataset({"amplitude": ("time", np.full(5, np.nan, np.float32))})
    lost.to_zarr(store, region={"time": slice(20, 25)}, consolidated=False)
    forecast_block(BackgroundsTask(config, folder, "train", 1))
    with xr.open_zarr(store, consolidated=False) as dataset:
        xr.testing.assert_identical(dataset.load(), before)


@pytest.mark.slow
def test_a_missing_chunk_comes_back_with_the_same_bits(folder: Path, config: Config) -> None:
    store = RunFolder(folder).backgrounds("train")
    chunk = max((store / "lorenz_96" / "c").rglob("*"), key=lambda path: (path.is_file(), path))
    content = chunk.read_bytes()
    chunk.unlink()
    with Progress(disable=True) as bar:
        make_backgrounds(config, folder, 1, bar)
    assert chunk.read_bytes() == content


@pytest.mark.slow
def test_another_configuration_is_refused(folder: Path, config: Config) -> None:
    other = config.model_copy(update={"seed": 1})
    with pytest.raises(StorageError, match="another configuration"), Progress(disable=True) as bar:
        make_backgrounds(other, folder, 1, bar)


@pytest.mark.slow
def test_statistics_are_those_of_the_training_period(folder: Path, config: Config) -> None:
    with Progress(disable=True) as bar:
        write_statistics(config.world, folder, 1, bar)
    found = json.loads(RunFolder(folder).statistics.read_text())
    assert found["channels"] == ["lorenz_96_0"]
    # Lorenz and Emanuel 1998: mean 2.3, standard deviation 3.6.
    assert found["states"]["mean"][0] == pytest.approx(2.3, abs=0.4)
    assert found["states"]["std"][0] == pytest.approx(3.6, abs=0.4)
    early, late = (found[f"background_errors_{lead}h"]["std"][0] for lead in (6, 48))
    assert 0 < early < late < found["differences_24h"]["std"][0] * 2


def test_starts_leave_room_for_the_longest_forecast(config: Config) -> None:
    starts, periods = starts_of(config), periods_of(config.world)
    for name, found in starts.items():
        assert found.size == np.unique(found).size
        assert found[0] >= periods[name].start
        assert found[-1] + np.timedelta64(48, "h") < periods[name].end


def test_too_many_starts_are_refused_with_the_number_that_fits(config: Config) -> None:
    crowded = config.model_copy(
        update={"backgrounds": config.backgrounds.model_copy(update={"test_starts": 99})}
    )
    with pytest.raises(ConfigError, match=r"at most 16.*test_starts"):
        starts_of(crowded)


@pytest.mark.parametrize("place", [100, 102, 119])
def test_a_perturbation_stays_in_the_period_and_keeps_the_hour(place: int) -> None:
    period = range(100, 300)
    for draw in range(50):
        key = key_for(0, Purpose.BACKGROUND_PERTURBATION, draw)
        found = draw_perturbation(key, place, period, 4, (0.05, 0.3))
        assert found.first != found.second
        assert {found.first, found.second} <= set(period)
        assert (found.first - place) % 4 == (found.second - place) % 4 == 0
        assert max(abs(found.first - place), abs(found.second - place)) <= 80
        assert 0.05 <= found.amplitude <= 0.3


def test_a_perturbation_is_the_scaled_difference_of_two_states() -> None:
    layout = Lorenz96ForecastModel().layout
    truth = State(jax.random.normal(jax.random.key(0), (3, *layout.shape)), layout)
    found = perturbed(truth, 0, Perturbation(1, 2, 0.5))
    expected = truth.values[0] + 0.5 / np.sqrt(2) * (truth.values[1] - truth.values[2])
    np.testing.assert_allclose(found.values[0], expected, rtol=1e-6)
