"""SHA-256 digests of arrays, files and JSON."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np


def digest_of_array(array: np.ndarray) -> str:
    """Digest of type, shape and bits of an array (little-endian, C order)."""
    plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    found = hashlib.sha256(f"{plain.dtype.str}{array.shape}".encode())
    found.update(plain.tobytes())
    return found.hexdigest()


def digest_of_file(path: Path) -> str:
    """Digest of the content of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests_of_files(folder: Path) -> dict[str, str]:
    """Digest of every file below `folder`, by its place there."""
    return {
        path.relative_to(folder).as_posix(): digest_of_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def canonical_json(content: Any) -> str:  # noqa: ANN401 (whatever JSON can hold)
    """JSON with sorted keys on one line: equal content gives equal text."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest_of_json(content: Any) -> str:  # noqa: ANN401 (whatever JSON can hold)
    """Digest of the canonical JSON of `content`."""
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()
