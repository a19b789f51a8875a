"""A zarr store of somebody else, here or elsewhere, opened lazily.

A path that exists is a path, whatever characters it has. Consolidated metadata are a copy: where
they are older than the arrays that they describe, the arrays are believed.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import xarray as xr
import zarr
from zarr.storage import FsspecStore, LocalStore

from align_da.errors import ConfigError, StorageError
from align_da.storage.bounded_chunks import bound_chunks

_OPTIONS: dict[str, dict[str, Any]] = {  # of each kind of URL, to read without an account
    "file": {},
    "memory": {},
    "gs": {"token": "anon"},
    "s3": {"anon": True},
}
# What xarray, zarr and fsspec raise for damaged or foreign content.
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError)


def open_zarr_source(source: str, names: Iterable[str], *, anonymous: bool) -> xr.Dataset:
    """A zarr store of format 2 or 3, with consolidated metadata or without.

    Args:
        source: a path, or a URL of a kind that is known.
        names: of the variables that will be read.
        anonymous: whether a bucket is read without an account.

    Raises:
        ConfigError: an unknown kind of URL, or the package for it is missing.
        StorageError: nothing is there, or it cannot be opened.
    """
    try:
        store = _store(source, anonymous=anonymous)
        try:
            dataset = _opened(store, consolidated=True)
        except (ValueError, KeyError, FileNotFoundError):  # there are none
            return _opened(store, consolidated=False)
        if _is_older(dataset, store, names):
            return _opened(store, consolidated=False)
    except ImportError as error:
        message = f"{source} needs a package that is missing: pip install 'align-da[cloud]'"
        raise ConfigError(message) from error
    except _UNREADABLE as error:
        message = f"{source} cannot be opened as a zarr store ({error}): check era5.source"
        raise StorageError(message) from error
    return dataset


def _store(source: str, *, anonymous: bool) -> LocalStore | FsspecStore:
    """Where the arrays are read from."""
    if Path(source).is_dir():
        return LocalStore(source, read_only=True)
    if "://" not in source:
        message = f"era5.source: expected a zarr store at {source!r}, found none"
        raise StorageError(message)
    kind = urlsplit(source).scheme
    if kind not in _OPTIONS:
        message = f"era5.source: expected a path or a URL of {', '.join(_OPTIONS)}, got {source!r}"
        raise ConfigError(message)
    options = _OPTIONS[kind] if anonymous else {}
    return FsspecStore.from_url(source, storage_options=options, read_only=True)


def _opened(store: LocalStore | FsspecStore, *, consolidated: bool) -> xr.Dataset:
    bound_chunks()
    # Lazy without dask: a block is read at a time.
    dataset: xr.Dataset = xr.open_zarr(store, chunks=None, consolidated=consolidated)
    return dataset


def _is_older(dataset: xr.Dataset, store: LocalStore | FsspecStore, names: Iterable[str]) -> bool:
    """Whether consolidated metadata lack one of `names`, or describe another array."""
    own = zarr.open_group(store, mode="r", use_consolidated=False)
    copy = zarr.open_group(store, mode="r", use_consolidated=True)
    known = [name for name in (*names, *map(str, dataset.coords)) if name in own]
    return any(name not in copy or own[name].metadata != copy[name].metadata for name in known)
