"""Whole datasets, written at once: either there and complete, or not there."""

import shutil
from pathlib import Path

import xarray as xr

from align_da.errors import StorageError
from align_da.storage.durable import storage_errors, sync_tree


def write_dataset(path: Path, dataset: xr.Dataset) -> None:
    """Write a dataset as a zarr store, replacing what was there.

    Raises:
        StorageError: it cannot be written.
    """
    unfinished = path.with_name(f"{path.name}.partial")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(unfinished, ignore_errors=True)
        dataset.to_zarr(unfinished, zarr_format=3, consolidated=False)
        sync_tree(unfinished)
        shutil.rmtree(path, ignore_errors=True)
        unfinished.replace(path)


def read_dataset(path: Path) -> xr.Dataset:
    """Open a dataset lazily.

    Raises:
        StorageError: there is none.
    """
    if not path.exists():
        message = f"expected the dataset {path}, found none: run the stage that writes it first"
        raise StorageError(message)
    with storage_errors(path):
        dataset: xr.Dataset = xr.open_zarr(path, consolidated=False)
    return dataset
