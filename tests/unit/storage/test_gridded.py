import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from align_da.atmosphere import State
from align_da.atmosphere.dataset import layout_from_dataset
from align_da.errors import InputError, StorageError
from align_da.storage.gridded import open_states, read_times

START, STEP = np.datetime64("2020-01-01", "ns"), np.timedelta64(6, "h")


def states_at(path: Path, times: np.ndarray) -> State:
    dataset = open_states(path)
    return read_times(dataset, layout_from_dataset(dataset), times)


def test_states_are_read_at_the_times_asked_for_in_that_order(
    gridded: Path, states: State
) -> None:
    found = states_at(gridded, np.array([START + 2 * STEP, START, START + 2 * STEP]))
    assert found.layout == states.layout
    np.testing.assert_array_equal(found.values, states.values[np.array([2, 0, 2])])


def test_nothing_is_read_before_it_is_needed(gridded: Path, tmp_path: Path) -> None:
    store = tmp_path / "copy.zarr"
    shutil.copytree(gridded, store)
    opened = open_states(store)
    with xr.open_zarr(store, consolidated=False) as before:
        later = (2 * before[["temperature"]]).load()
    every_time = {"time": slice(0, later.sizes["time"])}
    later.drop_vars(list(later.coords)).to_zarr(store, region=every_time, consolidated=False)
    np.testing.assert_array_equal(opened["temperature"], later["temperature"])


def test_a_netcdf_file_is_as_good_as_a_store(gridded: Path, states: State) -> None:
    path = gridded.with_suffix(".nc")
    open_states(gridded).load().to_netcdf(path)
    found = states_at(path, np.array([START]))
    np.testing.assert_array_equal(found.values, states.values[:1])


def test_a_netcdf_file_without_its_package_is_told(
    gridded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = gridded.with_suffix(".nc")
    open_states(gridded).load().to_netcdf(path)
    monkeypatch.setitem(sys.modules, "netCDF4", None)
    with pytest.raises(StorageError, match=r"\(netCDF4\): pip install netcdf4"):
        open_states(path)


@pytest.mark.parametrize("hours", [-6, 3, 24])
def test_a_time_that_is_not_there_is_never_the_nearest_one(hours: int, gridded: Path) -> None:
    with pytest.raises(InputError, match="expected a state at"):
        states_at(gridded, np.array([START + np.timedelta64(hours, "h")]))


def test_a_missing_store_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="found nothing"):
        open_states(tmp_path / "none.zarr")


def test_a_damaged_store_is_told(gridded: Path) -> None:
    (gridded / "zarr.json").write_text("{")
    with pytest.raises(StorageError, match="cannot be opened"):
        open_states(gridded)


def test_unsorted_times_are_refused(gridded: Path) -> None:
    dataset = xr.open_zarr(gridded, consolidated=False).load().isel(time=[1, 0, 2])
    path = gridded.with_suffix(".nc")
    dataset.to_netcdf(path)
    with pytest.raises(InputError, match="strictly increasing"):
        open_states(path)


def test_text_is_refused(gridded: Path) -> None:
    dataset = xr.open_zarr(gridded, consolidated=False).load()
    path = gridded.with_suffix(".nc")
    dataset.assign(name=("time", np.array(list("abcd"), object))).to_netcdf(path)
    with pytest.raises(InputError, match="name do not hold numbers"):
        open_states(path)
