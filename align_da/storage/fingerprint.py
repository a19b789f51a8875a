"""Fingerprints: whether a product of a run is still what it was when it was made.

Up to 1 GiB the content of every file is hashed. Of larger products, which cannot be read at every
command, these are: the name and size of every file, all of its JSON metadata, and the last 4 KiB
of others. In stores that are filled by regions (truth, backgrounds) every chunk ends with a
checksum of its values (zstd), so that a chunk that is lost, cut, exchanged, or written anew with
other values is found. A bit that flips within a large chunk is not; its checksum tells when the
chunk is read.

Saved arrays (weights) are known by their arrays: orbax names its files anew at every save.
"""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from align_da.storage.array_manifest import MANIFEST, digest_of_arrays
from align_da.storage.digest import digest_of_file, digest_of_json
from align_da.storage.durable import PARTIAL, storage_errors

_READ_WHOLE = 2**30  # bytes of a product
_TAIL = 2**12  # bytes of a file


@dataclass(frozen=True)
class Fingerprint:
    """What tells a product from another.

    Attributes:
        files: number of files; 0 for saved arrays, whose number of files says nothing.
        bytes: size of all of them, 0 for saved arrays.
        sha256: digest of the content, as the page above says.
    """

    files: int
    bytes: int
    sha256: str

    def __str__(self) -> str:
        """In words."""
        size = f"{self.files} files of {self.bytes} bytes, " if self.files else ""
        return f"{size}digest {self.sha256[:12]}"


def fingerprint_of(path: Path) -> Fingerprint:
    """The fingerprint of a file or a folder, without what unfinished writes have left.

    Raises:
        StorageError: it is missing or cannot be read, or saved arrays are damaged.
    """
    if (path / MANIFEST).is_file():
        return Fingerprint(0, 0, digest_of_arrays(path))
    with storage_errors(path):
        files = _files_of(path)
        sizes = [file.stat().st_size for file in files]
        digest_of = digest_of_file if sum(sizes) <= _READ_WHOLE else _digest_of_tail
        digests = _in_threads(digest_of, files)
    names = [file.relative_to(path).as_posix() for file in files]
    content = list(zip(names, sizes, digests, strict=True))
    return Fingerprint(len(files), sum(sizes), digest_of_json(content))


def _files_of(path: Path) -> list[Path]:
    """The file itself, or all whole files below a folder, in the order of their names.

    Raises:
        OSError: nothing is there, or a device or pipe, which has no end.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        path.stat()  # tells of what is missing
        message = f"{path} is neither a file nor a folder"
        raise OSError(message)
    return sorted(f for f in path.rglob("*") if f.is_file() and not f.name.endswith(PARTIAL))


def _in_threads(digest_of: Callable[[Path], str], files: Sequence[Path]) -> list[str]:
    """Digests of files: threads wait for the disk, and hash, side by side."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(digest_of, files))


def _digest_of_tail(path: Path) -> str:
    """Digest of the end of a file, of the whole of metadata."""
    if path.suffix == ".json":
        return digest_of_file(path)
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        return hashlib.sha256(file.read()).hexdigest()
