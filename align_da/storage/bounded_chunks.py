"""No chunk becomes larger than its shape and type allow: a few kilobytes can hold gigabytes.

zarr hands a chunk to its codec, which makes room for whatever the chunk says of itself or keeps on
inflating. Here the size is known before anything is inflated (`inflated_sizes`), and a chunk that
is too large is refused: of format 3, also with codecs of numcodecs, and of format 2.
"""

import math
from collections.abc import Iterable
from typing import Any

import zarr
from zarr.abc.codec import BytesBytesCodec, Codec
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec
from zarr.codecs import numcodecs as of_numcodecs
from zarr.codecs._v2 import V2Codec
from zarr.core.array_spec import ArraySpec
from zarr.core.buffer import Buffer, NDBuffer
from zarr.core.codec_pipeline import BatchedCodecPipeline
from zarr.registry import fully_qualified_name, register_codec, register_pipeline

from align_da.errors import StorageError
from align_da.storage.inflated_sizes import SIZES, SizeOf

_SLACK = 2**16  # bytes that codecs in between may add: checksums, headers
_WIDER = 8  # how much larger the filters of format 2 may have made what was compressed


def bound_chunks() -> None:
    """Have zarr refuse, in this process, chunks that would become too large."""
    for name, codec in _BOUNDED.items():
        register_codec(name, codec)
    register_pipeline(_BoundedPipeline)
    # Names of codecs have dots, at which a key of the settings would be split.
    names = {name: fully_qualified_name(codec) for name, codec in _BOUNDED.items()}
    zarr.config.set({"codecs": zarr.config.get("codecs") | names})
    zarr.config.set({"codec_pipeline.path": fully_qualified_name(_BoundedPipeline)})


def check_size(size_of: SizeOf, chunk: Buffer, spec: ArraySpec, wider: int = 1) -> None:
    """Refuse a chunk that would become larger than an array of its shape and type.

    Args:
        size_of: what it becomes.
        chunk: compressed.
        spec: its shape and type.
        wider: how much larger it may be.

    Raises:
        StorageError: it would; says how large, and how large it may be.
    """
    item = getattr(spec.dtype, "item_size", None)
    if item is None:  # text of any length
        return
    most = wider * math.prod(spec.shape) * int(item) + _SLACK
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
        check_size(SIZES["zstd"], chunk_bytes, chunk_spec)
        return super()._decode_sync(chunk_bytes, chunk_spec)


class BoundedBlosc(BloscCodec):
    """blosc as zarr has it, bounded."""

    def _decode_sync(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer:
        check_size(SIZES["blosc"], chunk_bytes, chunk_spec)
        return super()._decode_sync(chunk_bytes, chunk_spec)


class BoundedGzip(GzipCodec):
    """gzip as zarr has it, bounded."""

    def _decode_sync(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer:
        check_size(SIZES["gzip"], chunk_bytes, chunk_spec)
        return super()._decode_sync(chunk_bytes, chunk_spec)


def _bounded(name: str, kind: Any) -> type[BytesBytesCodec]:  # noqa: ANN401 (made by zarr)
    """A codec of numcodecs as format 3 has it, bounded."""

    async def decode(self: Any, chunk_data: Buffer, chunk_spec: ArraySpec) -> Buffer:  # noqa: ANN401
        check_size(SIZES[name], chunk_data, chunk_spec)
        decoded: Buffer = await kind._decode_single(self, chunk_data, chunk_spec)
        return decoded

    return type(f"Bounded{kind.__name__}", (kind,), {"_decode_single": decode})


class _BoundedV2(V2Codec):
    """Filters and compressor of format 2 as zarr has them, bounded."""

    async def _decode_single(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        size_of = SIZES.get(getattr(self.compressor, "codec_id", ""))
        if size_of is not None:
            check_size(size_of, chunk_bytes, chunk_spec, _WIDER if self.filters else 1)
        return await super()._decode_single(chunk_bytes, chunk_spec)


class _BoundedPipeline(BatchedCodecPipeline):
    """That of zarr, which has no name by which the codec of format 2 could be exchanged."""

    @classmethod
    def from_codecs(
        cls, codecs: Iterable[Codec], *, batch_size: int | None = None
    ) -> "_BoundedPipeline":
        bounded = [
            _BoundedV2(codec.filters, codec.compressor) if type(codec) is V2Codec else codec
            for codec in codecs
        ]
        made: _BoundedPipeline = super().from_codecs(bounded, batch_size=batch_size)
        return made


_BOUNDED: dict[str, type[BytesBytesCodec]] = {
    "zstd": BoundedZstd,
    "blosc": BoundedBlosc,
    "gzip": BoundedGzip,
} | {
    f"numcodecs.{name}": _bounded(name, kind)
    for name, kind in {
        "zstd": of_numcodecs.Zstd,
        "blosc": of_numcodecs.Blosc,
        "lz4": of_numcodecs.LZ4,
        "gzip": of_numcodecs.GZip,
        "zlib": of_numcodecs.Zlib,
        "bz2": of_numcodecs.BZ2,
        "lzma": of_numcodecs.LZMA,
    }.items()
}
