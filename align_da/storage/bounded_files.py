"""No file is believed to hold more than it can, before room is made for what it claims.

Arrays of NumPy are not compressed and as large as their files; tables and netCDF are compressed,
deflate to a thousandth at most (zlib, technical details: 1032:1). What repeats itself further may
claim anything in a few bytes.
"""

import io
import math
import zipfile
from collections.abc import Mapping

import numpy as np

_GROWTH = 1032
_SLACK = 2**26  # bytes that any file may become

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def check_growth(of_file: int, claimed: int) -> None:
    """Refuse what a compressed file claims to become.

    Args:
        of_file: its size in bytes.
        claimed: bytes that its arrays or columns would take.

    Raises:
        ValueError: it would grow further than compression can explain.
    """
    most = _GROWTH * of_file + _SLACK
    if claimed > most:
        message = (
            f"{of_file} bytes claim to become {claimed}, compression explains at most {most}: the "
            "file is damaged or made to fill the memory"
        )
        raise ValueError(message)


def array_of_npy(content: bytes) -> np.ndarray:
    """The array in an npy file.

    Raises:
        ValueError: it is none, holds objects, or claims another size than it has.
    """
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        message = f"expected format 1.0 or 2.0, got {version}"
        raise ValueError(message)
    shape, _, dtype = _HEADERS[version](file)
    claimed, held = math.prod(shape) * dtype.itemsize, len(content) - file.tell()
    if claimed != held and not dtype.hasobject:
        message = f"its header claims {claimed} bytes of shape {shape}, the file holds {held}"
        raise ValueError(message)
    array: np.ndarray = np.load(io.BytesIO(content), allow_pickle=False)
    return array


def arrays_of_npz(content: bytes, most: int) -> Mapping[str, np.ndarray]:
    """The arrays in an npz file, by name.

    Raises:
        ValueError: one is none, holds objects, or claims another size than it has; or all of them
            would take more than `most` bytes. What `zipfile` and `zlib` raise: it is damaged.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        size = sum(part.file_size for part in parts.infolist())
        if size > most:
            message = f"its arrays take {size} bytes, those of this model at most {most}"
            raise ValueError(message)
        return {
            name.removesuffix(".npy"): array_of_npy(parts.read(name)) for name in parts.namelist()
        }
