"""The content of a file that the configuration names, by its path and perhaps its digest."""

import hashlib
from collections.abc import Callable

from align_da.errors import StorageError

Read = Callable[[str], bytes]
"""Gives the content of a file; rooms as low as this one open none."""


def named_content(read: Read, section: str, path: str, sha256: str | None) -> bytes:
    """The content of the file `path`.

    Args:
        read: gives it.
        section: of the configuration, with the keys path and sha256.
        path: where it lies.
        sha256: its digest, if that was named.

    Raises:
        StorageError: it cannot be read, or has another digest.
    """
    content = read(path)
    digest = hashlib.sha256(content).hexdigest()
    if sha256 not in {None, digest}:
        message = (
            f"{section}.path = {path!r} has the digest {digest}, {section}.sha256 names {sha256}: "
            "it is another file, or damaged"
        )
        raise StorageError(message)
    return content
