"""One owner a store: a lock that the operating system gives back when its owner dies.

The lock is flock(2) on a file that names the owner. A killed owner leaves the file but not the
lock, so that nothing stale has to be recognised by process number or age.
"""

import fcntl
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from align_da.errors import StorageError
from align_da.storage.durable import storage_errors


@contextmanager
def owned(path: Path) -> Iterator[None]:
    """Own `path` (a lock file, made if needed, with its folder) until the end of the block.

    Raises:
        StorageError: a living process owns it (raised at once), or the file cannot be made.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+b", buffering=0)  # closing must not write what found no space
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            owner = file.read().decode(errors="replace")
            message = f"{path} is owned by another process ({owner}): wait for it or end it"
            raise StorageError(message) from error
        with storage_errors(path):
            file.truncate(0)
            file.write(json.dumps({"pid": os.getpid(), "host": platform.node()}).encode())
        try:
            yield
        finally:
            file.truncate(0)
