"""How many bytes compressed content becomes, known before it is inflated.

zstd (RFC 8878, section 3.1.1), blosc (header of version 1) and LZ4 as numcodecs writes it say so;
gzip, zlib (RFC 1952, 1950), bzip2 and xz are inflated a part at a time, no further than needed.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Protocol

_BLOCK = 2**17  # most bytes of a block of zstd
_BLOCKS = 16  # how much smaller than that blocks may be on average where a frame tells no size
_MAGIC = bytes.fromhex("28b52ffd")
_GZIP_OR_ZLIB = 47  # wbits by which zlib finds out

SizeOf = Callable[[memoryview, int], int]
"""(content, most) → bytes that it becomes, counted no further than beyond `most`."""


class _Inflating(Protocol):
    """What the decompressors of bz2 and lzma have."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes | memoryview, max_length: int = -1) -> bytes: ...


def size_of_zstd(content: memoryview, most: int) -> int:
    """Bytes that a frame of zstd says it becomes; those its blocks can become if it says none."""
    if content[:4] != _MAGIC or len(content) < 6:
        return 0  # no frame: decoding tells
    told, single, words = content[4] >> 6, content[4] >> 5 & 1, content[4] & 3
    place = 5 + (not single) + (0, 1, 2, 4)[words]
    length = (1 if single else 0, 2, 4, 8)[told]
    if length:
        size = int.from_bytes(content[place : place + length], "little")
        return size + 256 if length == 2 else size
    blocks = _blocks_of_zstd(content, place, most // _BLOCK * _BLOCKS + _BLOCKS)
    return blocks * _BLOCK // _BLOCKS


def _blocks_of_zstd(content: memoryview, place: int, most: int) -> int:
    """Number of the blocks of a frame, counted no further than beyond `most`."""
    count, last = 0, False
    while not last and count <= most and place + 3 <= len(content):
        header = int.from_bytes(content[place : place + 3], "little")
        last, kind, size = bool(header & 1), header >> 1 & 3, header >> 3
        place += 3 + (1 if kind == 1 else size)  # one byte that is repeated
        count += 1
    return count


def size_of_blosc(content: memoryview, _: int) -> int:
    """Bytes that a chunk of blosc says it becomes."""
    return int.from_bytes(content[4:8], "little")


def size_of_lz4(content: memoryview, _: int) -> int:
    """Bytes that LZ4 says it becomes, in the four bytes that numcodecs puts before it."""
    return int.from_bytes(content[:4], "little")


def size_of_gzip(content: memoryview, most: int) -> int:
    """Bytes that gzip or zlib becomes."""
    count = 0
    while content and count <= most:
        inflating = zlib.decompressobj(wbits=_GZIP_OR_ZLIB)
        try:
            count += len(inflating.decompress(content, most + 1 - count))
        except zlib.error:
            break  # decoding tells
        content = memoryview(inflating.unused_data)
    return count


def size_of_bz2(content: memoryview, most: int) -> int:
    """Bytes that bzip2 becomes."""
    return _counted(bz2.BZ2Decompressor, content, most)


def size_of_xz(content: memoryview, most: int) -> int:
    """Bytes that xz or LZMA becomes."""
    return _counted(lzma.LZMADecompressor, content, most)


def _counted(begin: Callable[[], _Inflating], content: memoryview, most: int) -> int:
    """Bytes that streams, one after the other, become."""
    count, rest = 0, bytes(content)
    while rest and count <= most:
        inflating = begin()
        try:
            count += len(inflating.decompress(rest, max_length=most + 1 - count))
        except (OSError, EOFError, lzma.LZMAError):
            break  # decoding tells
        rest = inflating.unused_data if inflating.eof else b""
    return count


SIZES: dict[str, SizeOf] = {
    "zstd": size_of_zstd,
    "blosc": size_of_blosc,
    "lz4": size_of_lz4,
    "gzip": size_of_gzip,
    "zlib": size_of_gzip,
    "bz2": size_of_bz2,
    "lzma": size_of_xz,
}
"""By the name that numcodecs and zarr have for the codec."""
