"""Row 19 of the table of faults for everything that a run keeps beside its cycles."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from cycled_world import LAYOUT, SPREAD, TYPICAL, write_truth
from hurt import bits_of, flip_bit

from align_da.errors import AlignDAError, StorageError
from align_da.storage.datasets import read_dataset, write_dataset
from align_da.storage.gridded import open_states
from align_da.storage.inspection import describe
from align_da.storage.run_folder import RunFolder
from align_da.storage.seal import seal_path
from align_da.storage.stage_definition import Stage
from align_da.storage.stages import run_stage
from align_da.storage.statistics import write_statistics
from data_pipelines.template import write_region, write_template

FLIPS = 3
TIMES = np.datetime64("2000-01-01", "ns") + np.arange(4) * np.timedelta64(6, "h")


def filled(store: Path) -> None:
    """A store that is made empty and filled, as the truth and backgrounds are."""
    ground = (("latitude", "longitude"), np.zeros(LAYOUT.shape[:2], np.float32))
    extra = xr.Dataset({"geopotential_at_surface": ground})
    write_template(store, LAYOUT, {"time": TIMES}, 2, extra)
    values = np.random.default_rng(0).normal(280.0, 1.0, (4, *LAYOUT.shape)).astype(np.float32)
    for start in (0, 2):
        part = slice(start, start + 2)
        write_region(store, values[part], LAYOUT, {"time": TIMES[part]}, start)


def candidates(store: Path) -> None:
    """As `align-da align candidates` writes them."""
    rewards = np.random.default_rng(0).normal(size=(9, 4, 2)).astype(np.float32)
    dataset = xr.Dataset({"rewards": (("case", "draw", "reward"), rewards)})
    write_dataset(store, dataset.assign_coords(case=np.arange(9)).assign_attrs(rewards=["a"]))


def statistics(path: Path) -> None:
    """As `align-da data statistics` writes them."""
    write_statistics(path, {"states": {"mean": TYPICAL.tolist(), "std": SPREAD.tolist()}})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = RunFolder(tmp_path_factory.mktemp("world"))
    products = {
        "truth": (folder.truth, write_truth),
        "statistics": (folder.statistics, statistics),
        "filled": (folder.root / "filled.zarr", filled),
        "candidates": (folder.candidates, candidates),
    }
    for name, (path, write) in products.items():
        run_stage(folder, Stage(name, [], [], [path]), lambda p=path, w=write: w(p))
    assert describe(folder.root).whole
    return folder


@pytest.fixture
def folder(whole: RunFolder, tmp_path: Path) -> RunFolder:
    return RunFolder(shutil.copytree(whole.root, tmp_path / "run"))


KINDS = {
    "candidates": "candidates.zarr/rewards/c/*/*/*",
    "a coordinate of candidates": "candidates.zarr/case/c/0",
    "metadata of candidates": "candidates.zarr/**/zarr.json",
    "a coordinate of states": "filled.zarr/latitude/c/0",
    "orography": "filled.zarr/geopotential_at_surface/c/0/0",
    "states": "filled.zarr/temperature/c/**/*",
    "metadata of states": "filled.zarr/**/zarr.json",
    "states written at once": "truth.zarr/temperature/c/**/*",
    "a seal": "filled.seal.json",
    "statistics": "statistics.json",
    "a record": "stages/statistics.json",
}


@pytest.mark.row(19)
@pytest.mark.parametrize("kind", KINDS)
def test_row_19_inspect_names_what_a_flipped_bit_has_damaged(kind: str, folder: RunFolder) -> None:
    files = sorted(path for path in folder.root.glob(KINDS[kind]) if path.is_file())
    for file in (files[0], files[-1]):
        content = file.read_bytes()
        for bit in bits_of(file, FLIPS):
            flip_bit(file, bit)
            found = describe(folder.root)
            assert not found.whole
            assert str(file) in found.text
            file.write_bytes(content)


READERS: dict[str, Callable[[Path], xr.Dataset]] = {
    "filled.zarr": open_states,
    "candidates.zarr": read_dataset,
}


@pytest.mark.row(19)
@pytest.mark.parametrize("name", READERS)
def test_row_19_readers_are_told_of_every_flipped_bit_of_a_store(
    name: str, folder: RunFolder
) -> None:
    store = folder.root / name
    for file in sorted(path for path in store.rglob("*") if path.is_file()):
        content = file.read_bytes()
        for bit in bits_of(file, 1):
            flip_bit(file, bit)
            with pytest.raises((AlignDAError, RuntimeError, ValueError)):
                READERS[name](store).load()
            file.write_bytes(content)


@pytest.mark.row(19)
def test_row_19_a_coordinate_in_the_place_of_another_is_named(folder: RunFolder) -> None:
    store = folder.root / "filled.zarr"
    shutil.copy(store / "latitude" / "c" / "0", store / "longitude" / "c" / "0")
    with pytest.raises(StorageError, match=r"longitude/c/0.*run the command again"):
        open_states(store)


@pytest.mark.row(21)
def test_row_21_a_missing_chunk_of_states_is_named(folder: RunFolder) -> None:
    store = folder.root / "filled.zarr"
    (chunk,) = store.glob("temperature/c/1/0/0/0")
    chunk.unlink()
    found = describe(store)
    assert not found.whole
    assert f"{chunk} is missing" in found.text


def test_a_store_without_a_seal_is_read_as_it_is(folder: RunFolder) -> None:
    """It was made by others, or by an earlier version."""
    store = folder.root / "filled.zarr"
    seal_path(store).unlink()
    assert open_states(store).sizes["time"] == 4
    assert "no seal" in describe(store).text
