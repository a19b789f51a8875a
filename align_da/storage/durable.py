"""Files that survive a crash: what is reported as written is on the disk, whole.

A file or a folder is written under another name, flushed to the disk (fsync) and renamed; then the
folder around it is flushed too, since the rename lives there. After a crash at any instant a file
holds either the old or the new content. What could not be written leaves nothing behind.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from align_da.errors import StorageError

PARTIAL = ".partial"  # ending of unfinished files, ours and those of zarr's local store


@contextmanager
def written_whole(path: Path, ending: str = PARTIAL) -> Iterator[Path]:
    """A place to write a file or a folder to, which gets the name `path` when it is whole.

    Folders above it are made, what an earlier writer has left there is removed, and so is what
    this one leaves when it fails.

    Args:
        path: replaced if it exists.
        ending: of the name until then.

    Raises:
        StorageError: it cannot be written (see `write_errors`), or is neither file nor folder.
    """
    unfinished = path.with_name(path.name + ending)
    with write_errors(path):
        _check_replaceable(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(unfinished)
        try:
            yield unfinished
            _sync_whole(unfinished)
            if path.is_dir():
                _remove(path)
            unfinished.replace(path)
        except BaseException:
            with suppress(OSError):  # the first error is what is told
                _remove(unfinished)
            raise
        _sync(path.parent)


def write_durably(path: Path, content: bytes) -> None:
    """Replace the content of `path`, all or nothing; folders above it are made.

    Raises:
        StorageError: the file cannot be written; names it and the space left.
    """
    with written_whole(path) as unfinished:
        unfinished.write_bytes(content)


def append_durably(path: Path, content: bytes) -> None:
    """Add to the end of a file; a crash may leave a part of what was to be added.

    Raises:
        StorageError: the file cannot be written.
    """
    with storage_errors(path), path.open("ab") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def passing_file(content: bytes, suffix: str) -> Iterator[Path]:
    """A file of some content for a library that takes no bytes; it goes again.

    Args:
        content: of the file.
        suffix: ending of its name.

    Raises:
        StorageError: it cannot be written.
    """
    with tempfile.NamedTemporaryFile(suffix=suffix) as file:
        path = Path(file.name)
        with storage_errors(path):
            file.write(content)
            file.flush()
        yield path


def copy_files(source: Path, target: Path) -> None:
    """Copy every file below `source` to its place below `target`, each all or nothing.

    Raises:
        StorageError: one cannot be read or written.
    """
    with storage_errors(source):
        files = [path for path in sorted(source.rglob("*")) if path.is_file()]
    for path in files:
        with written_whole(target / path.relative_to(source)) as unfinished:
            shutil.copyfile(path, unfinished)


def move_away(path: Path, target: Path) -> None:
    """Give a file or folder another name, in the place of what may have it.

    Raises:
        StorageError: the disk reports an error.
    """
    with storage_errors(path):
        _remove(target)
        path.replace(target)
        _sync(target.parent)


def remove_file(path: Path) -> None:
    """Remove a file if it is there.

    Raises:
        StorageError: it cannot be removed.
    """
    with storage_errors(path):
        path.unlink(missing_ok=True)


def remove_folder(path: Path) -> None:
    """Remove a folder if it is there; at a crash it has all that was in it, or is gone.

    Raises:
        StorageError: it cannot be removed.
    """
    going = path.with_name(path.name + PARTIAL)
    with storage_errors(path):
        _remove(going)
        if path.exists():
            path.replace(going)
            _sync(path.parent)
        _remove(going)


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


def remove_unfinished(folder: Path, *beside: Path) -> None:
    """Remove what writers that were killed have left under temporary names.

    Args:
        folder: all below it.
        beside: files whose unfinished versions are removed too.

    Raises:
        StorageError: a file cannot be removed.
    """
    with storage_errors(folder):
        for path in folder.rglob(f"*{PARTIAL}"):
            path.unlink()
        for file in beside:
            file.with_name(f"{file.name}{PARTIAL}").unlink(missing_ok=True)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn errors of the operating system into a StorageError that names path and free space."""
    try:
        yield
    except OSError as error:
        raise _told(path, error.strerror or str(error)) from error


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """`storage_errors` around a write, where libraries tell a full disk as a RuntimeError too."""
    with storage_errors(path):
        try:
            yield
        except RuntimeError as error:
            raise _told(path, str(error)) from error


def free_bytes(path: Path) -> int:
    """Bytes free on the disk of `path`, which need not exist yet."""
    existing = next((p for p in (path, *path.absolute().parents) if p.exists()), Path("/"))
    return shutil.disk_usage(existing).free


def _told(path: Path, reason: str) -> StorageError:
    """The error that names path, reason and free space."""
    return StorageError(f"{path}: {reason} ({free_bytes(path)} bytes free on this disk)")


def _check_replaceable(path: Path) -> None:
    """Refuse a device or a pipe: a rename would take its place."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        message = f"{path}: expected a file or a folder to write, found neither: choose another"
        raise StorageError(message)


def _remove(path: Path) -> None:
    """Remove a file or a folder if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync_whole(path: Path) -> None:
    """Flush a file, or a folder with everything below it."""
    for child in (*path.rglob("*"), path) if path.is_dir() else (path,):
        _sync(child)


def _sync(path: Path) -> None:
    """Flush one file or folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
