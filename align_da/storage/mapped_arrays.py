"""Arrays of a process that lie on the disk: what is not in use takes no memory.

The system keeps in memory what is read and written again and gives it up where memory is needed.
The file of an array has no name, so that it goes with the process, however that ends.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from align_da.storage.durable import storage_errors

_BYTES = np.dtype(np.float32).itemsize


def mapped_array(folder: Path, shape: Sequence[int]) -> Float[np.ndarray, "..."]:
    """An array of zeros, single precision, on the disk of `folder`.

    Its room is taken at once where the system can (macOS cannot): on a full disk a page that is
    written later would end the process without a word.

    Args:
        folder: is made where it is missing; nothing is seen in it.
        shape: of the array, without a zero.

    Raises:
        StorageError: the disk has no room for it, or nothing can be written.
    """
    size = _BYTES * int(np.prod(shape))
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.truncate(size)
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            return np.memmap(file, np.float32, "r+", shape=tuple(shape))
