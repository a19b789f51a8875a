"""SHA-256 digests of arrays."""

import hashlib

import numpy as np


def digest_of_array(array: np.ndarray) -> str:
    """Digest of type, shape and bits of an array (little-endian, C order)."""
    plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    found = hashlib.sha256(f"{plain.dtype.str}{array.shape}".encode())
    found.update(plain.tobytes())
    return found.hexdigest()
