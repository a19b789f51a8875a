"""Stores that are written as a template and filled by regions."""

import os
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import xarray as xr

from align_da.atmosphere import Grid, Layout, VerticalCoordinate
from align_da.atmosphere.dataset import layout_from_dataset, state_from_dataset
from align_da.errors import BadStateError, StorageError
from data_pipelines.template import check_computed, is_made, write_region, write_template

LAYOUT = Layout(
    Grid((-45.0, 0.0, 45.0), (0.0, 90.0, 180.0, 270.0), VerticalCoordinate("sigma", (0.3, 0.9))),
    ("temperature", "surface_pressure"),
)
TIMES = np.arange(
    np.datetime64("2000-01-01"), np.datetime64("2000-01-06"), np.timedelta64(1, "D")
).astype("datetime64[ns]")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "states.zarr"
    extra = xr.Dataset({"height": (("latitude", "longitude"), np.ones((3, 4)))})
    write_template(path, LAYOUT, {"time": TIMES}, 2, extra)
    return path


def values(count: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, *LAYOUT.shape)).astype(np.float32)


def test_what_is_written_is_read_and_the_rest_is_missing(store: Path) -> None:
    block = values(2)
    write_region(store, block, LAYOUT, {"time": TIMES[2:4]}, 2)
    with xr.open_zarr(store, consolidated=False) as dataset:
        assert layout_from_dataset(dataset) == LAYOUT
        found = state_from_dataset(dataset, LAYOUT, slice(2, 4))
        np.testing.assert_array_equal(found.values, block)
        assert bool(np.isnan(dataset["temperature"][:2]).all())
        assert bool(np.isnan(dataset["temperature"][4:]).all())
        np.testing.assert_array_equal(dataset["time"], TIMES)
        assert float(dataset["height"].min()) == 1.0


def test_a_store_that_was_begun_otherwise_is_not_gone_on_with(tmp_path: Path) -> None:
    path, mine = tmp_path / "states.zarr", xr.Dataset(attrs={"configuration": "a"})
    assert not is_made(path, "a")
    write_template(path, LAYOUT, {"time": TIMES}, 2, mine)
    assert is_made(path, "a")
    with pytest.raises(StorageError, match="belongs to another configuration"):
        is_made(path, "b")
    with (
        patch.dict(os.environ, XLA_FLAGS="--xla_cpu_enable_fast_math=true"),
        pytest.raises(
            StorageError, match=r"computes otherwise.*\n  arithmetic\.XLA_FLAGS: stored"
        ),
    ):
        is_made(path, "a")


def test_what_does_not_say_how_it_was_computed_is_gone_on_with_and_damage_is_told(
    tmp_path: Path,
) -> None:
    check_computed(tmp_path, None)
    for told in ("{", "[" * 100_000):
        with pytest.raises(StorageError, match=f"{tmp_path} is damaged"):
            check_computed(tmp_path, told)


def test_a_chunk_is_one_block(store: Path) -> None:
    with xr.open_zarr(store, consolidated=False) as dataset:
        assert dataset["temperature"].encoding["chunks"] == (2, 2, 3, 4)


def test_values_that_are_not_finite_are_refused(store: Path) -> None:
    block = values(2)
    block[1, 0, 0, 0] = np.inf
    with pytest.raises(BadStateError, match="2000-01-03"):
        write_region(store, block, LAYOUT, {"time": TIMES[2:4]}, 2)
