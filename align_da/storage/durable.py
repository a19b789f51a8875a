"""Files that survive a crash: what is reported as written is on the disk, whole.

A small file is written under another name, flushed to the disk (fsync) and renamed; then the
folder is flushed too, since the rename lives in the folder. After a crash at any instant the file
holds either the old or the new content.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from align_da.errors import StorageError

PARTIAL = ".partial"  # ending of unfinished files, ours and those of zarr's local store


def write_durably(path: Path, content: bytes) -> None:
    """Replace the content of `path`, all or nothing.

    Raises:
        StorageError: the file cannot be written; names it and the space left.
    """
    unfinished = path.with_name(path.name + PARTIAL)
    with storage_errors(path):
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        _sync(path.parent)


def sync_files(paths: Iterable[Path]) -> None:
    """Flush files and the folders that name them to the disk.

    Raises:
        StorageError: a file is gone or the disk reports an error.
    """
    folders: dict[Path, None] = {}
    for path in paths:
        with storage_errors(path):
            _sync(path)
        folders[path.parent] = None
    for folder in folders:
        with storage_errors(folder):
            _sync(folder)


def sync_tree(folder: Path) -> None:
    """Flush every file and folder below `folder`, and the entry of `folder` itself.

    Raises:
        StorageError: the disk reports an error.
    """
    with storage_errors(folder):
        for path in (*folder.rglob("*"), folder, folder.parent):
            _sync(path)


def remove_unfinished(folder: Path) -> None:
    """Remove what writers that were killed have left under temporary names.

    Raises:
        StorageError: a file cannot be removed.
    """
    with storage_errors(folder):
        for path in folder.rglob(f"*{PARTIAL}"):
            path.unlink()


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn errors of the operating system into a StorageError that names path and free space."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        message = f"{path}: {reason} ({free_bytes(path)} bytes free on this disk)"
        raise StorageError(message) from error


def free_bytes(path: Path) -> int:
    """Bytes free on the disk of `path`, which need not exist yet."""
    existing = next((p for p in (path, *path.absolute().parents) if p.exists()), Path("/"))
    return shutil.disk_usage(existing).free


def _sync(path: Path) -> None:
    """Flush one file or folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
