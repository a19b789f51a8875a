"""Coarse maps of a small synthetic truth in the place of backgrounds."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from rich.progress import Progress

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.config import Config, config_from_table
from align_da.errors import ConfigError, InputError
from align_da.runs.coarse_map import configured_map, reported_map
from align_da.runs.run import open_run
from align_da.storage.run_folder import RunFolder
from data_pipelines.coarse_backgrounds import make_coarse_backgrounds
from data_pipelines.splits import periods_of
from data_pipelines.template import write_region, write_template

LAYOUT = Layout(
    Grid(
        tuple(np.linspace(-78.75, 78.75, 8).tolist()),
        tuple((np.arange(16) * 22.5).tolist()),
        VerticalCoordinate("sigma", (0.3, 0.9)),
    ),
    ("temperature", "specific_humidity", "surface_pressure"),
)
MOUNTAIN = np.zeros((8, 16), np.float32)
MOUNTAIN[5, 4] = 2.0e4  # m2 s-2
TABLE = {
    "world": {"spin_up_days": 1, "train_days": 12, "validation_days": 2, "test_days": 2},
    "backgrounds": {
        "lead_hours": (6,),
        "train_starts": 40,
        "validation_starts": 4,
        "test_starts": 4,
    },
    "cycled_backgrounds": {"segments": 0},
    "coarse_map": {"latitudes": 4, "longitudes": 8},
}
CONFIG = config_from_table(TABLE)


def write_truth(config: Config, folder: Path) -> None:
    """Waves over a mountain, whose pressure is hydrostatic."""
    periods, step = periods_of(config.world), np.timedelta64(6, "h")
    times = np.arange(periods["train"].start, periods["test"].end, step).astype("datetime64[ns]")
    lat = np.deg2rad(np.asarray(LAYOUT.grid.latitude))[:, None]
    lon = np.deg2rad(np.asarray(LAYOUT.grid.longitude))
    waves = np.stack([turn(k * lon) for k in (1, 2, 3) for turn in (np.cos, np.sin)])
    amplitude = np.asarray(jax.random.normal(jax.random.key(0), (times.size, len(waves))))
    weather = (amplitude @ waves)[:, None] * np.cos(lat)
    values = np.empty((times.size, *LAYOUT.shape), np.float32)
    values[..., :2] = (250.0 + 30 * np.cos(lat) + weather)[..., None]
    values[..., 2:4] = 1e-3 + 2e-4 * weather[..., None]
    values[..., 4] = 1e5 * np.exp(-MOUNTAIN / (287.05 * values[..., 1])) + 100 * weather
    surface = xr.Dataset({"geopotential_at_surface": (("latitude", "longitude"), MOUNTAIN)})
    store = RunFolder(folder).truth
    write_template(store, LAYOUT, {"time": times}, times.size, surface)
    write_region(store, values, LAYOUT, {"time": times}, 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("coarse")
    write_truth(CONFIG, path)
    with Progress(disable=True) as progress:
        make_coarse_backgrounds(CONFIG, path, progress)
    return path


def test_corrected_maps_have_no_mean_error_in_the_training_period(folder: Path) -> None:
    truth, background = open_run(CONFIG, folder).pairs("train").read(6)
    error = background.values - truth.values
    ratio = jnp.abs(error.mean(axis=0)) / error.std(axis=0)
    assert float(ratio.max()) < 0.05  # humidity is not negative, which is all that is left


def test_the_background_is_made_of_the_map_that_is_reported_again(folder: Path) -> None:
    run = open_run(CONFIG, folder)
    pairs = run.pairs("test")
    truth, background = pairs.read(6, slice(2, 3))
    maps = configured_map(run)
    with xr.open_zarr(run.folder.map_correction, consolidated=False) as stored:
        correction = stored["surface_pressure"].to_numpy()
    reported = reported_map(run, maps, State(truth.values[0], LAYOUT), pairs.valid_times(6)[2])
    again = maps.interpolated(reported)["surface_pressure"][..., 0] + correction
    np.testing.assert_allclose(again, background["surface_pressure"][0, ..., 0], rtol=1e-6)


def test_surface_pressure_is_moved_to_the_mountain(folder: Path) -> None:
    run = open_run(CONFIG, folder)
    truth, _ = run.pairs("test").read(6, slice(0, 1))
    maps, one = configured_map(run), State(truth.values[0], LAYOUT)
    reported = reported_map(run, maps, one, run.truth["time"].to_numpy()[0])
    flat = maps.interpolation(maps.values(reported)).reshape(LAYOUT.shape)
    bilinear = float(jnp.abs(flat[5, 4, -1] - one.values[5, 4, -1]))
    moved = float(jnp.abs(maps.interpolated(reported).values[5, 4, -1] - one.values[5, 4, -1]))
    assert bilinear > 5000  # Pa
    assert moved < 0.2 * bilinear  # the mean of an exponential is not that of its exponent


def test_errors_of_the_map_are_as_configured(folder: Path) -> None:
    run = open_run(CONFIG, folder)
    truth, _ = run.pairs("train").read(6)
    maps = configured_map(run)
    times = run.pairs("train").valid_times(6)
    errors = [
        maps.values(reported_map(run, maps, State(values, LAYOUT), time)).values
        - maps.operator(State(values, LAYOUT)).reshape(maps.cells.shape)
        for values, time in zip(truth.values, times, strict=True)
    ]
    spread = np.std(np.stack(errors), axis=(0, 1, 2))
    np.testing.assert_allclose(spread, [0.3, 0.3, 3e-5, 3e-5, 30.0], rtol=0.1)


@pytest.mark.parametrize(
    ("section", "change", "error", "match"),
    [
        ("coarse_map", {"latitudes": 9, "longitudes": 8}, InputError, "at most"),
        ("backgrounds", {"lead_hours": (6, 12)}, ConfigError, "one lead time"),
    ],
)
def test_a_wrong_configuration_is_refused(
    tmp_path: Path,
    section: str,
    change: dict[str, object],
    error: type[Exception],
    match: str,
) -> None:
    own = TABLE[section] | change
    config = config_from_table({**TABLE, section: own})
    write_truth(config, tmp_path)
    with Progress(disable=True) as progress, pytest.raises(error, match=match):
        make_coarse_backgrounds(config, tmp_path, progress)
