"""Real states as the truth: whatever way the source is laid out, the truth is the same."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from command_line import align_da
from era5_world import LEVELS, travelling_waves, write_store
from faults.hurt import folder_digest
from forked_processes import forked_workers
from rich.progress import Progress

from align_da.config import Era5Config, WorldConfig
from align_da.storage.gridded import open_states
from align_da.storage.run_folder import RunFolder
from data_pipelines import era5
from data_pipelines.era5 import make_era5_truth

WORLD = WorldConfig(
    truth="era5",
    start="2020-01-02T00:00",
    spin_up_days=0,
    train_days=1,
    validation_days=1,
    test_days=1,
)
STATES = 92
TIMES = 30  # a chunk, of which there are fewer then; one in the source of `expected`


class PowerCutError(Exception):
    """Stands for the end of the process."""


@pytest.fixture(scope="module")
def three_hourly() -> xr.Dataset:
    return travelling_waves(26, rows=8, columns=16, step_hours=3)


@pytest.fixture(scope="module")
def waves(three_hourly: xr.Dataset) -> xr.Dataset:
    """The times that are chosen, and every other one of those before and after them."""
    return three_hourly.isel(time=slice(None, None, 2))


@pytest.fixture(scope="module")
def plain_source(waves: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_store(waves, tmp_path_factory.mktemp("plain") / "source.zarr", times=TIMES)


def truth_of(source: str, folder: Path, grid: str = "source", workers: int = 1) -> xr.Dataset:
    era5 = Era5Config.model_validate({"source": source, "grid": grid, "levels": LEVELS})
    with Progress(disable=True) as bar:
        make_era5_truth(WORLD, era5, folder, workers, bar)
    return open_states(RunFolder(folder).truth).load()


@pytest.fixture(scope="module")
def expected(three_hourly: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    folder = tmp_path_factory.mktemp("era5")
    return truth_of(write_store(three_hourly, folder / "source.zarr"), folder)


def test_the_truth_is_the_source_at_every_sixth_hour_south_to_north(
    three_hourly: xr.Dataset, expected: xr.Dataset
) -> None:
    chosen = three_hourly.isel(time=slice(8, 8 + 2 * STATES, 2), latitude=slice(None, None, -1))
    assert expected.sizes["time"] == STATES
    np.testing.assert_array_equal(expected["level"], [3e4, 5e4, 8.5e4])
    np.testing.assert_array_equal(expected["time"], chosen["time"])
    for name in (*Era5Config(source="any").variables, "geopotential_at_surface"):
        np.testing.assert_allclose(expected[name], chosen[name], rtol=1e-6, err_msg=name)
    assert (expected["written"] == 1).all()


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("consolidated", [True, False])
@pytest.mark.filterwarnings("ignore:Consolidated metadata is currently not part")
def test_every_kind_of_zarr_store_is_read(
    zarr_format: int, consolidated: bool, waves: xr.Dataset, expected: xr.Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "source.zarr"
    source = write_store(waves, path, zarr_format, consolidated=consolidated, times=TIMES)
    xr.testing.assert_equal(truth_of(source, tmp_path), expected)


def conservative_files(waves: xr.Dataset) -> xr.Dataset:
    """As the regridded files of WeatherBench 2: longitude before latitude, south first."""
    return waves.transpose("time", "level", "longitude", "latitude").isel(
        latitude=slice(None, None, -1)
    )


def from_the_dateline(waves: xr.Dataset) -> xr.Dataset:
    rolled = waves.roll(longitude=8, roll_coords=True)
    return rolled.assign_coords(longitude=(rolled["longitude"] + 180) % 360 - 180)


def arco(waves: xr.Dataset) -> xr.Dataset:
    """As ARCO-ERA5: the surface geopotential at every time, more variables and levels."""
    surface = waves["geopotential_at_surface"]
    more = waves["temperature"].isel(level=[0]).assign_coords(level=[100])
    return waves.reindex(level=[100, *LEVELS], fill_value=300.0).assign(
        geopotential_at_surface=surface.expand_dims(time=waves["time"]),
        vertical_velocity=xr.concat([more, waves["temperature"]], "level"),
    )


def ground_first(waves: xr.Dataset) -> xr.Dataset:
    return waves.isel(level=slice(None, None, -1))


def in_pascal(waves: xr.Dataset) -> xr.Dataset:
    level = 100.0 * waves["level"].astype(float)
    return waves.assign_coords(level=level.assign_attrs(units="Pa"))


@pytest.mark.parametrize(
    "layout", [conservative_files, from_the_dateline, arco, ground_first, in_pascal]
)
def test_the_layout_of_the_source_does_not_matter(
    layout: object, waves: xr.Dataset, expected: xr.Dataset, tmp_path: Path
) -> None:
    assert callable(layout)
    source = write_store(layout(waves), tmp_path / "source.zarr", times=TIMES)
    xr.testing.assert_equal(truth_of(source, tmp_path), expected)


def test_urls_of_this_machine_are_read(
    plain_source: str, waves: xr.Dataset, expected: xr.Dataset, tmp_path: Path
) -> None:
    xr.testing.assert_equal(truth_of(f"file://{plain_source}", tmp_path), expected)
    memory = write_store(waves, "memory://era5/source.zarr", times=TIMES)
    xr.testing.assert_equal(truth_of(memory, tmp_path / "memory"), expected)


def test_a_killed_run_goes_on_and_gives_the_same_bits(
    plain_source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth_of(plain_source, tmp_path / "whole", "64x32")

    def cut(*arguments: object) -> None:
        if arguments[-1] == 40:  # the second of three blocks: some of its values are there
            write(*arguments)
            raise PowerCutError
        write(*arguments)

    write = era5.write_region
    with monkeypatch.context() as patch:
        patch.setattr(era5, "write_region", cut)
        with pytest.raises(PowerCutError):
            truth_of(plain_source, tmp_path / "cut", "64x32")
    store = RunFolder(tmp_path / "cut").truth
    with xr.open_zarr(store, consolidated=False) as truth:
        assert np.isnan(truth["written"]).sum() == STATES - 40
    truth_of(plain_source, tmp_path / "cut", "64x32")
    assert folder_digest(store) == folder_digest(RunFolder(tmp_path / "whole").truth)


@pytest.mark.slow
def test_the_number_of_workers_changes_no_bit(plain_source: str, tmp_path: Path) -> None:
    truth_of(plain_source, tmp_path / "1", "64x32")
    with forked_workers():
        truth_of(plain_source, tmp_path / "2", "64x32", workers=2)
    one, two = (folder_digest(RunFolder(tmp_path / str(n)).truth) for n in (1, 2))
    assert one == two


def test_the_command_reads_instead_of_simulating(
    plain_source: str, expected: xr.Dataset, tmp_path: Path
) -> None:
    settings = {f"world.{key}": json.dumps(value) for key, value in WORLD.model_dump().items()}
    settings |= {"era5.source": plain_source, "era5.levels": str(list(LEVELS))}
    given = ["=".join(item) for item in settings.items()]
    align_da("data truth --workers 1", tmp_path, overrides=given)
    xr.testing.assert_equal(open_states(RunFolder(tmp_path).truth).load(), expected)
    record = json.loads((tmp_path / "stages" / "truth.json").read_text())
    assert record["stage"] == "truth"


def test_a_truth_that_was_simulated_keeps_its_digest() -> None:
    """Those of the shipped demonstration and of runs made before there was a choice."""
    assert "truth" not in WorldConfig().model_dump()
    assert WORLD.model_dump()["truth"] == "era5"
