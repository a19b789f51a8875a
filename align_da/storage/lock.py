"""One owner a store: a lock that the operating system gives back when its owner dies.

The lock is flock(2) on a file that names the owner, and is gone when the work is done. A killed
owner leaves the file but not the lock, so that nothing stale has to be recognised by process
number or age.
"""

import fcntl
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from align_da.errors import StorageError
from align_da.storage.durable import storage_errors


@contextmanager
def owned(path: Path) -> Iterator[None]:
    """Own `path` (a lock file, made with its folder if needed) until the end of the block.

    Raises:
        StorageError: a living process owns it (raised at once), or the file cannot be made.
    """
    with _locked(path) as file:
        try:
            with storage_errors(path):
                file.truncate(0)
                file.write(json.dumps({"pid": os.getpid(), "host": platform.node()}).encode())
            yield
        finally:
            with suppress(OSError):  # the first error is what is told
                path.unlink(missing_ok=True)


def lock_beside(path: Path) -> Path:
    """The lock of who writes `path`."""
    return path.with_name(f"{path.name}.lock")


def _locked(path: Path) -> FileIO:
    """The open file, locked.

    Raises:
        StorageError: a living process owns it, or the file cannot be made.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            file = FileIO(path, "a+")  # unbuffered: closing must not write what found no space
            try:
                _lock(path, file)
                if _is_at(path, file):
                    return file
            except BaseException:
                file.close()
                raise
            file.close()  # its owner has removed it since it was opened


def _lock(path: Path, file: FileIO) -> None:
    """Lock an open file, or raise a StorageError that names who has."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        owner = file.read().decode(errors="replace")
        message = f"{path} is owned by another process ({owner}): wait for it or end it"
        raise StorageError(message) from error


def _is_at(path: Path, file: FileIO) -> bool:
    """Whether an open file is still the one that lies at a path."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    return False
