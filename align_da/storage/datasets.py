"""Datasets as zarr stores: written at once, or made empty and filled by regions.

Every chunk carries a checksum of its values; metadata, coordinates and fixed fields are sealed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr
from zarr.codecs import ZstdCodec

from align_da.errors import StorageError
from align_da.storage.bounded_chunks import bound_chunks
from align_da.storage.durable import write_errors, written_whole
from align_da.storage.reads import note_read
from align_da.storage.seal import check_seal, write_seal


def write_dataset(path: Path, dataset: xr.Dataset) -> None:
    """Write a dataset as a zarr store, whole or not at all, replacing what was there.

    Raises:
        StorageError: it cannot be written.
    """
    with written_whole(path) as unfinished:
        dataset.drop_encoding().to_zarr(
            unfinished,
            zarr_format=3,
            consolidated=False,
            encoding=_with_checksums(dataset, {}),
            write_empty_chunks=True,
        )
        write_seal(unfinished, path, set(map(str, dataset.data_vars)))


def write_template_dataset(
    path: Path, template: xr.Dataset, encoding: Mapping[str, Mapping[str, Any]]
) -> None:
    """Make a store whose lazy variables are left to `write_dataset_region`, replacing another.

    Args:
        path: the store.
        template: its dask arrays give shapes and types alone; all else is written.
        encoding: how each variable is laid out on disk that will be filled.

    Raises:
        StorageError: it cannot be written.
    """
    with written_whole(path) as unfinished:
        template.to_zarr(
            unfinished,
            zarr_format=3,
            consolidated=False,
            compute=False,
            write_empty_chunks=True,  # what is missing later is then lost, or not yet filled
            encoding=_with_checksums(template, encoding),
        )
        write_seal(unfinished, path, set(encoding))


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
        dataset.to_zarr(path, region=dict(region), consolidated=False, write_empty_chunks=True)


def read_dataset(path: Path) -> xr.Dataset:
    """Open a dataset lazily.

    Raises:
        StorageError: there is none, or what it is read by is damaged.
    """
    if not path.exists():
        message = f"expected the dataset {path}, found none: run the stage that writes it first"
        raise StorageError(message)
    begin_reading(path)
    try:
        dataset: xr.Dataset = xr.open_zarr(path, consolidated=False)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        message = f"{path} cannot be opened as a dataset ({error}): restore it from a copy"
        raise StorageError(message) from error
    return dataset


def begin_reading(path: Path) -> None:
    """What has to come before a store is opened: its seal, bounds of its chunks, a note of it.

    Raises:
        StorageError: what it is read by is damaged.
    """
    check_seal(path)
    bound_chunks()
    note_read(path)


def _with_checksums(
    dataset: xr.Dataset, encoding: Mapping[str, Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    """The encoding, with the checksum of zstd for every variable that it does not name."""
    checksum = {"compressors": (ZstdCodec(level=1, checksum=True),)}
    return {str(name): checksum for name in dataset.variables} | dict(encoding)
