"""No chunk becomes larger than its shape and type allow: a few kilobytes can hold gigabytes.

zarr hands a chunk to its codec, which makes room for whatever the chunk says of itself (zstd,
RFC 8878, section 3.1.1; blosc, header of version 1) or keeps on inflating (gzip, RFC 1952). Here
the size is known before anything is inflated, and a chunk that is too large is refused.
"""

import math
import zlib
from collections.abc import Callable

import zarr
from zarr.abc.codec import BytesBytesCodec
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec
from zarr.core.array_spec import ArraySpec
from zarr.core.buffer import Buffer
from zarr.registry import fully_qualified_name, register_codec

from align_da.errors import StorageError

_SLACK = 2**16  # bytes that codecs in between may add: checksums, headers
_BLOCK = 2**17  # most bytes of a block of zstd
_BLOCKS = 16  # how much smaller than that blocks may be on average where a frame tells no size
_MAGIC = bytes.fromhex("28b52ffd")


def bound_chunks() -> None:
    """Have zarr refuse, in this process, chunks that would become too large."""
    for name, codec in _BOUNDED.items():
        register_codec(name, codec)
        zarr.config.set({f"codecs.{name}": fully_qualified_name(codec)})


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


def size_of_gzip(content: memoryview, most: int) -> int:
    """Bytes that gzip becomes, counted no further than beyond `most`."""
    count = 0
    while content and count <= most:
        inflating = zlib.decompressobj(wbits=31)
        try:
            count += len(inflating.decompress(content, most + 1 - count))
        except zlib.error:
            break  # decoding tells
        content = memoryview(inflating.unused_data)
    return count


def check_size(size_of: Callable[[memoryview, int], int], chunk: Buffer, spec: ArraySpec) -> None:
    """Refuse a chunk that would become larger than an array of its shape and type.

    Raises:
        StorageError: it would; says how large, and how large it may be.
    """
    item = getattr(spec.dtype, "item_size", None)
    if item is None:  # text of any length
        return
    most = math.prod(spec.shape) * int(item) + _SLACK
    size = size_of(memoryview(chunk.as_numpy_array()).cast("B"), most)
    if size > most:
        message = (
            f"a chunk of {len(chunk)} bytes would become {size} or more, one of shape "
            f"{spec.shape} and type {spec.dtype.to_native_dtype()} has at most {most}: it is "
            "damaged or made to fill the memory; restore it from a copy"
        )
        raise StorageError(message)


class BoundedZstd(ZstdCodec):
    """zstd as zarr has it, bounded."""

    def _decode_sync(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer:
        check_size(size_of_zstd, chunk_bytes, chunk_spec)
        return super()._decode_sync(chunk_bytes, chunk_spec)


class BoundedBlosc(BloscCodec):
    """blosc as zarr has it, bounded."""

    def _decode_sync(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer:
        check_size(size_of_blosc, chunk_bytes, chunk_spec)
        return super()._decode_sync(chunk_bytes, chunk_spec)


class BoundedGzip(GzipCodec):
    """gzip as zarr has it, bounded."""

    def _decode_sync(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer:
        check_size(size_of_gzip, chunk_bytes, chunk_spec)
        return super()._decode_sync(chunk_bytes, chunk_spec)


_BOUNDED: dict[str, type[BytesBytesCodec]] = {
    "zstd": BoundedZstd,
    "blosc": BoundedBlosc,
    "gzip": BoundedGzip,
}
