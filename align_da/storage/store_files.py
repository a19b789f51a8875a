"""The files of a cycle store, and reading one cycle of one array from them."""

import os
from pathlib import Path

import numpy as np
import zarr

from align_da.errors import StorageError
from align_da.storage.bounded_chunks import bound_chunks
from align_da.storage.digest import changed_files
from align_da.storage.durable import storage_errors
from align_da.storage.ledger import Ledger
from align_da.storage.store_places import extension_path

_CHECKSUM = 4  # bytes


def damaged_files(path: Path, ledger: Ledger) -> list[Path]:
    """The metadata, coordinate and manifest files that are missing or changed."""
    return changed_files({path.parent / name: digest for name, digest in ledger.files.items()})


def check_files(path: Path, ledger: Ledger) -> None:
    """Refuse a store whose metadata, coordinates or manifest have changed.

    Raises:
        StorageError: names the files that are missing or damaged.
    """
    damaged = damaged_files(path, ledger)
    if damaged and extension_path(path).is_dir():
        message = f"{path} is being extended, or that was stopped: wait, or give the command again"
        raise StorageError(message)
    if damaged:
        names = ", ".join(str(file) for file in damaged)
        message = f"missing or damaged: {names}: restore from a copy"
        raise StorageError(message)


def chunk_path(path: Path, name: str, array: zarr.Array, cycle: int) -> Path:
    """The file that holds one cycle of the array `name` ("group/variable")."""
    place = (cycle, *(0 for _ in array.shape[1:]))
    return path / name / str(array.metadata.encode_chunk_key(place))


def chunk_seal(file: Path) -> str:
    """What tells the file of a chunk from every other: its size, and its end.

    The last four bytes are the checksum of its values (zstd, RFC 8878, section 3.1.1), which
    decoding compares with them.

    Raises:
        StorageError: the file is missing or cannot be read.
    """
    with storage_errors(file), file.open("rb") as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(max(0, size - _CHECKSUM))
        return f"{size}-{opened.read().hex()}"


def open_array(path: Path, name: str) -> zarr.Array:
    """The array `name` ("group/variable"), to be read.

    Raises:
        StorageError: its metadata is missing or damaged.
    """
    bound_chunks()
    try:
        return zarr.open_array(path / name, mode="r", zarr_format=3)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        message = f"{path / name} cannot be opened ({error}): restore it from a copy"
        raise StorageError(message) from error


def read_array(array: zarr.Array, cycle: int) -> np.ndarray:
    """One cycle of an array, without the time axis.

    Raises:
        StorageError: the chunk is damaged.
    """
    try:
        return np.asarray(array[cycle])
    except (OSError, ValueError, RuntimeError, StorageError) as error:
        message = f"{array.store_path}: cycle {cycle} cannot be read ({error}): restore it"
        raise StorageError(message) from error
