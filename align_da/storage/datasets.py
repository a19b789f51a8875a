"""Datasets as zarr stores: written at once, or made empty and filled by regions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from align_da.errors import StorageError
from align_da.storage.durable import storage_errors, write_errors, written_whole
from align_da.storage.reads import note_read


def write_dataset(path: Path, dataset: xr.Dataset) -> None:
    """Write a dataset as a zarr store, whole or not at all, replacing what was there.

    Raises:
        StorageError: it cannot be written.
    """
    with written_whole(path) as unfinished:
        dataset.to_zarr(unfinished, zarr_format=3, consolidated=False)


def write_template_dataset(
    path: Path, template: xr.Dataset, encoding: Mapping[str, Mapping[str, Any]]
) -> None:
    """Make a store whose lazy variables are left to `write_dataset_region`, replacing another.

    Args:
        path: the store.
        template: its dask arrays give shapes and types alone; all else is written.
        encoding: how each variable is laid out on disk.

    Raises:
        StorageError: it cannot be written.
    """
    with written_whole(path) as unfinished:
        template.to_zarr(
            unfinished, zarr_format=3, consolidated=False, compute=False, encoding=encoding
        )


def write_dataset_region(path: Path, dataset: xr.Dataset, region: Mapping[str, slice]) -> None:
    """Fill a part of a store with the values of a dataset that has no coordinates.

    Args:
        path: the store.
        dataset: its variables are in the store already.
        region: the place of the values along each dimension that they do not fill.

    Raises:
        StorageError: it cannot be written.
    """
    with write_errors(path):
        dataset.to_zarr(path, region=dict(region), consolidated=False)


def read_dataset(path: Path) -> xr.Dataset:
    """Open a dataset lazily.

    Raises:
        StorageError: there is none.
    """
    if not path.exists():
        message = f"expected the dataset {path}, found none: run the stage that writes it first"
        raise StorageError(message)
    note_read(path)
    with storage_errors(path):
        dataset: xr.Dataset = xr.open_zarr(path, consolidated=False)
    return dataset
